"""A step on a GPU: captured once as a CUDA graph, then replayed.

A step of these networks is some hundred short kernels. Launched one by one by the host they take several times as long
as the GPU needs for them; a graph launches all of them at once. A replay does to the last bit what the captured calls
would have done. On a CPU there is nothing to capture, and a step is the call that it is.

Trainings beside each other on threads of one process share nothing that a kernel writes to. Torch keeps work space for
matrix products by stream, and handles of cuBLAS and cuDNN by thread. So each training has a stream that no other has
meanwhile, gives up its graphs before it returns the stream, and goes backward on its own thread.
"""

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

LOOK_EVERY = 50  # steps after which the host looks at what a GPU has done: each look makes the GPU wait
WARM_UP = 2  # calls before a capture: the first ones choose kernels and make the optimisers' state

Work = Callable[[], None]

_CAPTURE = threading.Lock()  # trainings beside each other capture and give up their graphs one at a time
_STREAMS = list[torch.cuda.Stream]()  # made before and free now: torch has no more than 32, and then gives them anew
_HERE = threading.local()  # graphs: those that this thread has captured on its own stream


def look_every(device: str) -> int:
    """After how many steps a loop looks at its losses: each on a CPU, where it costs nothing."""
    return LOOK_EVERY if device == "cuda" else 1


def step_on(
    device: str,
    work: Work,
    held: Callable[[], Iterable[Tensor]],
    generators: Sequence[torch.Generator] = (),
    prepare: Work = lambda: None,
) -> Work:
    """The fastest way to do some work again and again.

    Args:
        device: `cpu` or `cuda`.
        work: reads and writes tensors that stay where they are, and never asks for a value.
        held: all tensors that it changes, those of its optimisers as soon as they exist. A new one of those begins as
            zeros.
        generators: of the same device, from which it draws.
        prepare: sets what the work wants of the whole process, such as deterministic kernels; called ahead of a
            capture, while no other training of this process captures.
    """
    return Graph(work, held, generators, prepare) if device == "cuda" else work


class Graph:
    """Some work as a CUDA graph, captured at its first call on the stream of that call. Arguments as of `step_on`."""

    def __init__(
        self, work: Work, held: Callable[[], Iterable[Tensor]], generators: Sequence[torch.Generator], prepare: Work
    ) -> None:
        self._work, self._held, self._generators, self._prepare = work, held, generators, prepare
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        if self._graph is None:
            # torch's thread for backward passes would use its own handles for all trainings
            with _CAPTURE, torch.autograd.set_multithreading_enabled(False):
                self._prepare()
                self._warm_up()
                self._graph = self._capture()
        self._graph.replay()

    def _warm_up(self) -> None:
        """Do the work without a trace: what it changed is put back."""
        before = [(tensor, tensor.detach().clone()) for tensor in self._held()]
        states = [generator.get_state() for generator in self._generators]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This instance was constructed with capturable=True")
            for _ in range(WARM_UP):
                self._work()
        known = {id(tensor) for tensor, _ in before}
        with torch.no_grad():
            for tensor, value in before:
                tensor.copy_(value)
            for tensor in self._held():
                if id(tensor) not in known:
                    tensor.zero_()
        for generator, state in zip(self._generators, states, strict=True):
            generator.set_state(state)

    def _capture(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        for generator in self._generators:
            graph.register_generator_state(generator)
        # other threads may use the GPU meanwhile; without a stream torch would take one that all graphs share
        stream = torch.cuda.current_stream()
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            self._work()
        _HERE.graphs.append(self)
        return graph

    def release(self) -> None:
        """Give up the graph and its memory. The next call captures anew."""
        if self._graph is not None:
            self._graph.reset()
            self._graph = None


@contextmanager
def own_stream(device: str) -> Iterator[None]:
    """A stream of its own for a training on a GPU, so that several go on at once and each can be captured.

    Graphs captured inside are given up at its end: all graphs of a stream share their matrix products' work space,
    which goes with the first of them to go, and the next training gets the same stream.
    """
    if device != "cuda":
        yield
        return
    stream = _free_stream()
    stream.wait_stream(torch.cuda.current_stream())  # what has been laid on the GPU so far is there
    _HERE.graphs = list[Graph]()
    with torch.cuda.stream(stream):
        try:
            yield
        finally:
            stream.synchronize()
            with _CAPTURE:
                for graph in _HERE.graphs:
                    graph.release()
                _HERE.graphs.clear()  # each holds its training
            _STREAMS.append(stream)


def _free_stream() -> torch.cuda.Stream:
    try:
        return _STREAMS.pop()
    except IndexError:
        return torch.cuda.Stream()  # type: ignore[no-untyped-call]
