"""What the stages around a GAN do with what isn't as it should be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.errors import UserError
from ferlab.files import sha256_file
from ferlab.gan.families import FAMILIES
from ferlab.records.gan import GanRecord
from ferlab.stages.gan import EVERY
from ferlab.stages.quality import BLANK, _shown
from ferlab.stages.synthesize import load_generator
from ferlab.training.checkpoint import save_state
from small import barred, gan


def keep(folder: Path, family: str, **changes: Any) -> GanRecord:
    """A folder as the stage `gan` makes it; returns gan.json's content, with `changes` of the settings."""
    conditional = FAMILIES[family].conditional
    torch.manual_seed(0)
    generator, _ = FAMILIES[family].networks(gan(), 7 if conditional else 1)
    name = EVERY if conditional else "happy"
    save_state(generator.state_dict(), folder / f"{name}.safetensors")
    return GanRecord(
        family=family,
        draw=0,
        settings=gan(**changes),
        classes=CKPLUS_CLASSES,
        identity="0" * 16,
        sha256={name: sha256_file(folder / f"{name}.safetensors")},
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_a_generator_comes_back_as_it_was(tmp_path: Path, family: str) -> None:
    record = keep(tmp_path, family)
    generator, content = load_generator(tmp_path, record, family, "happy")
    assert not generator.training
    assert [content] == list(record.sha256.values())
    torch.manual_seed(0)
    expected, _ = FAMILIES[family].networks(gan(), 7 if FAMILIES[family].conditional else 1)
    for key, value in expected.state_dict().items():
        assert torch.equal(value, generator.state_dict()[key])


@pytest.mark.parametrize(
    ("changes", "family", "message"),
    [
        ({}, "wgan_gp", "of the family dcgan, not wgan_gp"),
        ({"base_channels": 4}, "dcgan", "fits no dcgan of these settings"),
        ({"latent": 6}, "dcgan", "fits no dcgan of these settings"),
    ],
)
def test_a_generator_of_another_family_or_size(
    tmp_path: Path, changes: dict[str, Any], family: str, message: str
) -> None:
    """No generator of other settings is used in silence."""
    record = keep(tmp_path, "dcgan", **changes)
    with pytest.raises(UserError, match=message) as caught:
        load_generator(tmp_path, record, family, "happy")
    assert str(tmp_path) in caught.value.where
    assert "dvc repro" in caught.value.next_step


def test_a_generator_told_other_labels(tmp_path: Path) -> None:
    record = keep(tmp_path, "cgan").model_copy(update={"classes": ("happy", "sad")})
    with pytest.raises(UserError, match="fits no cgan of these settings"):
        load_generator(tmp_path, record, "cgan", "happy")


@pytest.mark.parametrize("damage", ["bit", "cut", "gone"])
def test_a_damaged_generator_is_named_and_kept(tmp_path: Path, damage: str) -> None:
    """Also where one bit of one weight differs, which nothing but the hash can tell."""
    record, path = keep(tmp_path, "dcgan"), tmp_path / "happy.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content if damage == "bit" else content[:-20])
    if damage == "gone":
        path.unlink()
    with pytest.raises(UserError, match="'happy' is " + ("absent" if damage == "gone" else "damaged")) as caught:
        load_generator(tmp_path, record, "dcgan", "happy")
    assert path.name in caught.value.where
    assert path.exists() == (damage != "gone")


def test_copies_of_real_frames_are_not_shown() -> None:
    """The first samples that are none; a place for which there is none stays blank."""
    faces: ImageSet = barred(5, classes=CKPLUS_CLASSES)
    copies = np.zeros(len(faces), bool)
    own = np.flatnonzero(faces.labels == 2)
    copies[own[[0, 3]]] = True
    copies[np.flatnonzero(faces.labels == 4)] = True
    shown = _shown(faces, copies, 2)
    assert shown.shape == (7, 2, 48, 48)
    np.testing.assert_array_equal(shown[2], faces.images[own[[1, 2]]])
    assert (shown[4] == BLANK).all()
    np.testing.assert_array_equal(shown[0], faces.images[faces.labels == 0][:2])
