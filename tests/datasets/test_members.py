"""Pictures of any size and colour made square grey ones, and what is refused of them."""

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ferlab.datasets import members
from ferlab.datasets.archive import open_archive
from ferlab.datasets.members import Squared, read_squares
from ferlab.errors import UserError
from small import make_zip, noise, png


def flat(width: int, height: int, colour: int | tuple[int, ...] = 90, mode: str = "L", kind: str = "png") -> bytes:
    content = io.BytesIO()
    Image.new(mode, (width, height), colour).save(content, kind)
    return content.getvalue()


def squares(path: Path, pictures: dict[str, bytes], side: int = 24, **cut: Callable[..., object]) -> Squared:
    with open_archive(make_zip(path / "a.zip", pictures)) as archive:
        return read_squares(archive, sorted(pictures), side, **cut)  # type: ignore[arg-type]


def test_a_picture_of_that_size_is_kept(tmp_path: Path) -> None:
    found = squares(tmp_path, {"a.png": png(noise(1)[0])}, side=48)
    np.testing.assert_array_equal(found.images, noise(1))
    assert (found.problems, found.notices) == ({}, [])


@pytest.mark.parametrize(
    ("colour", "mode", "expected"),
    [
        ((200, 100, 50), "RGB", 0.299 * 200 + 0.587 * 100 + 0.114 * 50),  # ITU-R BT.601
        ((0, 0, 0, 51), "RGBA", 255 - 51),
        (60_000, "I;16", 60_000 / 65_535 * 255),
    ],
)
def test_colours_become_luma(tmp_path: Path, colour: int | tuple[int, ...], mode: str, expected: float) -> None:
    found = squares(tmp_path, {"a.png": flat(30, 30, colour, mode)})
    assert np.abs(found.images.astype(float) - expected).max() <= 1
    lost = "1 pictures became grey: colours aren't kept" in found.notices
    assert lost == mode.startswith("RGB")


def test_smaller_pictures_are_averages(tmp_path: Path) -> None:
    """Lines one pixel wide become their mean, where taking every fourth pixel would give black or white."""
    lines = np.tile(np.array([0, 255], np.uint8), (96, 48))
    inner = squares(tmp_path, {"a.png": png(lines)}).images[0, :, 1:-1]
    assert np.abs(inner.astype(float) - 127.5).max() < 4


@pytest.mark.parametrize("size", [(60, 20), (20, 60)])
def test_of_what_is_not_square_the_middle_counts(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    picture = np.zeros((height, width), np.uint8)
    middle = slice(20, 40), slice(None)
    picture[middle if height > width else middle[::-1]] = 200
    found = squares(tmp_path, {"a.png": png(picture)}, side=20)
    assert (found.images == 200).all()
    assert "of 1 pictures that aren't square the middle is used" in found.notices


def test_a_part_that_is_asked_for(tmp_path: Path) -> None:
    picture = np.zeros((50, 70), np.uint8)
    picture[5:15, 40:50] = 200
    found = squares(tmp_path, {"a.png": png(picture)}, cut=lambda member, width, height: (width - 30, 5, 50, 15))
    assert (found.images == 200).all()


def test_what_was_scaled_is_counted(tmp_path: Path) -> None:
    found = squares(
        tmp_path,
        {"a.png": flat(24, 24), "b.png": flat(12, 12), "c.png": flat(99, 99), "d.jpg": flat(99, 99, kind="jpeg")},
    )
    assert found.notices == ["3 pictures of 2 sizes from 12x12 to 99x99 were scaled to 24x24, 1 of them enlarged"]
    assert (found.images == 90).all()


def test_what_cannot_be_a_picture_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "LARGEST_PICTURE", 2000)
    link = zipfile.ZipInfo("c.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    names = {"../a.png": flat(9, 9), "b.png": flat(9, 9)[:40], link: b"b.png", "d.png": b"x" * 3000, "e.png": b"text"}
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    with open_archive(path) as archive:
        found = read_squares(archive, archive.namelist(), 24)
    expected = ["leads out of its archive", "can't be decoded", "is a link", "unpacks to 3,000 bytes", "it is text"]
    assert list(found.problems) == [0, 1, 2, 3, 4]
    assert [part in found.problems[i] for i, part in enumerate(expected)] == [True] * 5
    assert not found.images.any()


@pytest.mark.parametrize(("side", "what"), [(24, "unpack to"), (4096, "at 4096x4096 take 16,777,216 bytes")])
def test_far_too_much_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int, what: str
) -> None:
    monkeypatch.setattr(members, "LARGEST_TOTAL", 1000 if side == 24 else 2**20)
    with pytest.raises(UserError, match=what):
        squares(tmp_path, {"a.png": png(noise(1)[0])}, side=side)
