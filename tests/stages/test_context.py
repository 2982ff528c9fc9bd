"""What a stage says as it starts a training is true."""

from pathlib import Path

import pytest

from ferlab.params import load
from ferlab.project import Project
from ferlab.stages.context import Context
from ferlab.stages.table import find
from small import REPOSITORY


@pytest.mark.parametrize(
    ("left", "goes_on"),
    [
        ([], False),
        (["slot.json"], False),
        (["slot.json", "angry/.state.safetensors.1a2b3c4d.part"], False),
        (["slot.json", "angry/state.safetensors"], True),
        (["state.safetensors"], True),
    ],
)
def test_a_checkpoint_that_was_never_written_is_not_gone_on_from(
    left: list[str], goes_on: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk at the first one leaves a folder, and nothing in it to go on from."""
    context = Context(Project(tmp_path), find("code"), {}, load(REPOSITORY / "params.yaml"))
    for name in left:
        path = context.checkpoints.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    context.start_training()
    assert ("going on from the checkpoint" in capsys.readouterr().err) == goes_on
