"""Checkpoints: equal states give equal bytes, damage is an error, what is restored is whole."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ferlab.errors import UserError
from ferlab.training.checkpoint import FILE, Checkpoints, load_state, restore, save_state

plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
dtypes = st.sampled_from([torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool])
shapes = st.lists(st.integers(0, 3), max_size=3)
tensors = st.builds(lambda shape, dtype: (torch.rand(shape) * 9).to(dtype), shapes, dtypes)
keys = st.integers(0, 20) | st.text("abc.", min_size=1, max_size=4)
trees = st.recursive(
    plain | tensors,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=10,
)


def assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, torch.Tensor):
        assert found.dtype == expected.dtype
        assert torch.equal(found, expected)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)  # types of keys and order too
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == expected


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=4), trees, max_size=4))
def test_any_tree_comes_back_and_has_the_same_bytes(state: dict[str, Any]) -> None:
    with TemporaryDirectory() as name:
        first, second = Path(name) / "first", Path(name) / "second"
        save_state(state, first)
        loaded = load_state(first)
        assert_same(loaded, state)
        save_state(loaded, second)
        assert first.read_bytes() == second.read_bytes()


def trained(seed: int, steps: int, layout: torch.memory_format) -> tuple[nn.Module, torch.optim.Optimizer]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 3)).to(memory_format=layout)
        optimizer = torch.optim.Adam(module.parameters(), 0.1)
        step(module, optimizer, steps)
    return module, optimizer


def step(module: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for i in range(steps):
        batch = torch.linspace(0, 1 + i, 2 * 64).reshape(2, 1, 8, 8)
        optimizer.zero_grad()
        module(batch).square().mean().backward()
        optimizer.step()


def state_of(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    return {"module": module.state_dict(), "optimizer": optimizer.state_dict()}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("steps", [0, 3])
def test_a_restored_training_goes_on_bit_equal(tmp_path: Path, layout: torch.memory_format, steps: int) -> None:
    """Same bytes on disk after going on, whatever the memory layout."""
    module, optimizer = trained(0, steps, layout)
    save_state(state_of(module, optimizer), tmp_path / "middle")
    other, other_optimizer = trained(1, 2, layout)
    restore(other, other_optimizer, load_state(tmp_path / "middle"))
    for parameter in other.parameters() if steps else ():  # kernels want the moments laid out as their parameter
        assert other_optimizer.state[parameter]["exp_avg"].stride() == parameter.stride()
    for name, pair in {"straight": (module, optimizer), "resumed": (other, other_optimizer)}.items():
        step(*pair, 3)
        save_state(state_of(*pair), tmp_path / name)
    assert (tmp_path / "straight").read_bytes() == (tmp_path / "resumed").read_bytes()


def test_tensors_that_share_memory(tmp_path: Path) -> None:
    weight = torch.arange(6.0)
    save_state({"a": weight, "b": weight, "part": weight[2:4], "turned": weight.view(2, 3).T}, tmp_path / FILE)
    found = load_state(tmp_path / FILE)
    assert torch.equal(found["b"], weight)
    assert torch.equal(found["part"], torch.tensor([2.0, 3.0]))
    assert torch.equal(found["turned"], weight.view(2, 3).T)


def test_the_saved_state_does_not_change_with_the_training(tmp_path: Path) -> None:
    weight = torch.zeros(3)
    save_state({"weight": weight}, tmp_path / FILE)
    weight.add_(1)
    assert torch.equal(load_state(tmp_path / FILE)["weight"], torch.zeros(3))


def test_random_numbers_go_on(tmp_path: Path) -> None:
    """From where they were, not from the start."""
    rng = torch.Generator().manual_seed(5)
    torch.rand(7, generator=rng)
    save_state({"rng": rng.get_state(), "global": torch.get_rng_state()}, tmp_path / FILE)
    expected = torch.rand(3, generator=rng), torch.rand(3)
    state = load_state(tmp_path / FILE)
    rng.manual_seed(0).set_state(state["rng"])
    torch.set_rng_state(state["global"])
    assert torch.equal(torch.rand(3, generator=rng), expected[0])
    assert torch.equal(torch.rand(3), expected[1])


@pytest.mark.parametrize("damage", ["empty", "cut off", "head", "other file", "no metadata", "folder"])
def test_a_damaged_file_is_an_error(tmp_path: Path, damage: str) -> None:
    """It is never skipped in silence."""
    checkpoints = Checkpoints(tmp_path, 0)
    checkpoints.save({"weight": torch.rand(100), "step": 3})
    path = tmp_path / FILE
    content = path.read_bytes()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    elif damage == "no metadata":
        import safetensors.torch

        path.write_bytes(safetensors.torch.save({"weight": torch.rand(2)}))
    else:
        damaged = {"empty": b"", "cut off": content[:-40], "head": b"\xff" * 40 + content[40:], "other file": b"x" * 99}
        path.write_bytes(damaged[damage])
    with pytest.raises(UserError, match="this checkpoint can't be read") as caught:
        checkpoints.load()
    assert caught.value.where == str(path)
    assert "afresh" in caught.value.next_step


@pytest.mark.parametrize(
    "other",
    [nn.Conv2d(1, 4, 5), nn.Linear(3, 3), nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 3))],
)
def test_another_networks_state_is_an_error(other: nn.Module) -> None:
    with pytest.raises(UserError, match="another network"):
        restore(other, torch.optim.Adam(other.parameters()), state_of(*trained(0, 1, torch.contiguous_format)))


def test_an_incomplete_state_is_an_error() -> None:
    module, optimizer = trained(0, 1, torch.contiguous_format)
    with pytest.raises(UserError, match="optimizer"):
        restore(module, optimizer, {"module": module.state_dict()})


def test_offer_writes_when_it_is_time(tmp_path: Path) -> None:
    always, never = Checkpoints(tmp_path / "always", 0), Checkpoints(tmp_path / "never", 1e9)
    for i in range(3):
        assert always.offer(lambda i=i: {"step": i})
        assert always.load() == {"step": i}
        assert not never.offer(lambda: pytest.fail("a state was made that is not written"))
    assert never.load() is None
    never.save({"step": 9})  # not an offer
    assert never.load() == {"step": 9}


class Counted(torch.Tensor):
    """A tensor that counts how often it is copied to the host."""

    copies = 0

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.copies += func is torch.Tensor.to
        return super().__torch_function__(func, types, args, kwargs or {})  # type: ignore[no-untyped-call]


def test_a_save_copies_each_tensor_once(tmp_path: Path) -> None:
    Checkpoints(tmp_path, 0).save({"weight": torch.zeros(3).as_subclass(Counted)})
    assert Counted.copies == 1
    assert torch.equal(load_state(tmp_path / FILE)["weight"], torch.zeros(3))


def test_a_save_and_a_file_of_the_same_state_are_the_same_bytes(tmp_path: Path) -> None:
    state = {"b": torch.ones(2), "a": [torch.zeros(1), 3]}
    Checkpoints(tmp_path, 0).save(state)
    save_state(state, tmp_path / "other")
    assert (tmp_path / FILE).read_bytes() == (tmp_path / "other").read_bytes()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_state_that_is_not_finite_is_refused_and_the_last_one_kept(tmp_path: Path, bad: float) -> None:
    checkpoints = Checkpoints(tmp_path, 0)
    checkpoints.save({"weight": torch.ones(2)})
    with pytest.raises(UserError, match="no longer finite: weight"):
        checkpoints.save({"weight": torch.tensor([1.0, bad])})
    assert torch.equal(load_state(tmp_path / FILE)["weight"], torch.ones(2))


def test_a_write_starts_the_time_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((100.0, 100.0, 119.0, 120.0, 120.0, 139.0, 141.0, 141.0))  # a write looks at the clock once more
    monkeypatch.setattr("ferlab.training.checkpoint.time.monotonic", lambda: next(times))
    checkpoints = Checkpoints(tmp_path, 20)
    assert [checkpoints.offer(dict) for _ in range(5)] == [False, False, True, False, True]


def test_children_have_places_of_their_own(tmp_path: Path) -> None:
    parent = Checkpoints(tmp_path / "run", 5)
    child = parent.child("happy")
    child.save({"step": 1})
    assert child.every_seconds == 5
    assert parent.load() is None
    assert parent.child("sad").load() is None
    parent.clear()
    assert child.load() is None
    parent.clear()  # nothing left: no error


def test_what_a_killed_write_left_is_swept_away(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, 0)
    checkpoints.save({"step": 1})
    (tmp_path / f".{FILE}.abc.part").write_bytes(b"half")
    assert checkpoints.load() == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_keys_with_slashes_do_not_meet(tmp_path: Path) -> None:
    state = {"a/b": torch.zeros(1), "a": {"b": torch.ones(1), "~1b": torch.ones(2)}, "a~1b": torch.ones(3)}
    save_state(state, tmp_path / "state")
    found = load_state(tmp_path / "state")
    assert found["a/b"].tolist() == [0]
    assert found["a"]["b"].tolist() == [1]
    assert found["a"]["~1b"].tolist() == [1, 1]
    assert found["a~1b"].tolist() == [1, 1, 1]
