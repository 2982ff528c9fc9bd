"""Whole, canonical checkpoints: equal states give equal bytes, and a file is either whole or absent.

A state is a tree of dicts, lists and tuples whose leaves are tensors or plain JSON values. It becomes one safetensors
file: tensors under their path in the tree, everything else as canonical JSON in the file's metadata.
"""

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn
from torch.optim import Optimizer

from ferlab.errors import UserError
from ferlab.files import atomic_write, canonical_json

FILE = "state.safetensors"


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """Write a state atomically. Equal states give byte-equal files, also after a resume."""
    tensors: dict[str, torch.Tensor] = {}
    _write(_split(state, "", tensors), tensors, path)


def load_state(path: Path) -> dict[str, Any]:
    """Read a state that `save_state` wrote; tensors arrive on the CPU.

    Raises:
        UserError: the file is damaged. It is never skipped silently.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        state = _join(about["skeleton"], tensors)
        if about["sha256"] != _digest(tensors):
            raise ValueError("it is damaged: its tensors are not those that were written")
    except (OSError, safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"this checkpoint can't be read: {error}",
            where=str(path),
            next_step="delete its folder to start this training afresh",
        ) from None
    assert isinstance(state, dict)
    return state


def _write(skeleton: Any, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write what `_split` made of a state."""
    about = canonical_json({"skeleton": skeleton, "sha256": _digest(tensors)})
    content = safetensors.torch.save(dict(tensors), metadata={"state": about})  # one key: more come in any order
    with atomic_write(path) as handle:
        handle.write(content)


def _digest(tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _split(node: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    """The tree in plain JSON, with paths in the place of tensors; copies of those go into `tensors`, by path."""
    if isinstance(node, torch.Tensor):
        assert path not in tensors, path
        # a copy: modules may share storage, which safetensors refuses
        tensors[path] = node.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        return {"tensor": path}
    if isinstance(node, Mapping):
        return {"dict": [[key, _split(value, f"{path}/{_escape(key)}", tensors)] for key, value in node.items()]}
    if isinstance(node, list | tuple):
        kind = "list" if isinstance(node, list) else "tuple"
        return {kind: [_split(value, f"{path}/{i}", tensors) for i, value in enumerate(node)]}
    return {"plain": node}


def _escape(key: Any) -> str:
    """A key as one step of a path, as JSON pointers (RFC 6901) have it: two keys never give the same path."""
    return str(key).replace("~", "~0").replace("/", "~1")


def _join(node: dict[str, Any], tensors: Mapping[str, torch.Tensor]) -> Any:
    ((kind, value),) = node.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "dict":
        return {key: _join(item, tensors) for key, item in value}
    if kind in ("list", "tuple"):
        items = [_join(item, tensors) for item in value]
        return items if kind == "list" else tuple(items)
    return value


def restore(module: nn.Module, optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    """Load `{"module": …, "optimizer": …}` into a module and its optimiser.

    Raises:
        UserError: the state belongs to another network or optimiser.
    """
    try:
        module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError, KeyError) as error:
        raise UserError(
            f"this checkpoint belongs to another network: {error}", next_step="delete it to start afresh"
        ) from None
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            for name, value in optimizer.state[parameter].items():
                if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                    # files hold contiguous tensors; the optimiser's kernels want the parameter's own layout
                    optimizer.state[parameter][name] = torch.empty_like(parameter).copy_(value)


class Checkpoints:
    """Where one training keeps its state while it is in flight.

    Args:
        folder: a folder of its own, outside every DVC out.
        every_seconds: how often `offer` writes.
        stop: set by whoever wants the training to end soon, though not by a signal of its own: it is on a thread.
    """

    def __init__(self, folder: Path, every_seconds: float, stop: threading.Event | None = None) -> None:
        self.folder, self.every_seconds, self.stop = folder, every_seconds, stop
        self._written = time.monotonic()

    def child(self, name: str) -> "Checkpoints":
        """The place of one of several trainings in turn, e.g. of one label's GAN."""
        return Checkpoints(self.folder / name, self.every_seconds, self.stop)

    def load(self) -> dict[str, Any] | None:
        """The last state written, or None if there is none. What a killed write left behind is swept away."""
        for leftover in self.folder.glob(f".{FILE}.*"):
            leftover.unlink()
        path = self.folder / FILE
        return load_state(path) if path.exists() else None

    def save(self, state: Mapping[str, Any]) -> None:
        """Write a state now.

        Raises:
            UserError: a tensor is no longer finite, which a loss need not show. What was written before is kept.
        """
        tensors: dict[str, torch.Tensor] = {}
        skeleton = _split(state, "", tensors)
        bad = next((name for name, tensor in tensors.items() if not tensor.isfinite().all()), None)
        if bad is not None:
            raise UserError(
                f"the training's state is no longer finite: {bad.lstrip('/')}",
                where=f"the last finite checkpoint is kept in {self.folder}",
                next_step="lower the learning rate",
            )
        _write(skeleton, tensors, self.folder / FILE)
        self._written = time.monotonic()

    def offer(self, make_state: Callable[[], Mapping[str, Any]]) -> bool:
        """Write `make_state()` if the last write is long enough ago. Returns whether it was written.

        Raises:
            KeyboardInterrupt: `stop` is set; the state was written.
        """
        if self.stop is not None and self.stop.is_set():
            self.save(make_state())
            raise KeyboardInterrupt
        if time.monotonic() - self._written < self.every_seconds:
            return False
        self.save(make_state())
        return True

    def clear(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
