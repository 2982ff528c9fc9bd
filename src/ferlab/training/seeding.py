"""Random numbers that depend on a seed and a purpose, never on the order in which things happen."""

import hashlib
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with it; read on import of torch

import torch
from threadpoolctl import threadpool_limits

from ferlab.errors import UserError

_GLOBAL_GENERATOR = threading.RLock()


def derive(seed: int, *purpose: object) -> int:
    """A seed in [0, 2**63) for one purpose, e.g. `derive(0, "dcgan", "happy", "noise")`."""
    text = "\0".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def random_generator(seed: int, *purpose: object, device: str = "cpu") -> torch.Generator:
    """A generator of random numbers on a device, seeded for one purpose."""
    return torch.Generator(device).manual_seed(derive(seed, *purpose))


def permutation(n: int, seed: int, *purpose: object) -> torch.Tensor:
    """int64 (n,), a random order of 0..n-1 that depends on the seed and the purpose (e.g. the epoch) only."""
    return torch.randperm(n, generator=random_generator(seed, *purpose))


def resolve_device(device: str) -> str:
    """`cpu` or `cuda` for params.yaml's compute.device.

    Raises:
        UserError: cuda is asked for and there is none, or none that this torch can use; CUDA's reason is given.
    """
    if device == "cpu":
        return "cpu"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a driver that is too old, which is said below
        available = torch.cuda.is_available()
    if device == "auto":
        return "cuda" if available else "cpu"
    if not available:
        raise UserError(
            f"no CUDA device is available: {_why_not()}",
            where="params.yaml: compute.device",
            next_step="set it to cpu or auto",
        )
    return device


def _why_not() -> str:
    """CUDA's own words, e.g. that its driver is too old."""
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except (RuntimeError, AssertionError) as error:
        return str(error).partition(".")[0]
    return "torch finds none"


def set_up(threads: int) -> None:
    """Fix what else decides bits: the number of CPU threads, and deterministic kernels."""
    import scipy.linalg  # noqa: F401 (SciPy's own library of matrix products: a limit reaches those that are loaded)

    torch.set_num_threads(threads)
    threadpool_limits(threads)
    torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms, without its second of imports
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a pass over each new tensor


def choose_kernels(deterministic: bool) -> None:
    """Let a GPU's libraries use deterministic kernels, or whichever they time as the quickest."""
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    torch.backends.cudnn.benchmark = not deterministic  # it may choose another each run


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generator inside the block only; layers draw their first weights from it.

    Threads enter it one after the other, since all share that generator.
    """
    with _GLOBAL_GENERATOR, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
