"""CK+ as its authors give it out (Lucey et al. 2010): whole frames by sequence, emotions and landmarks in texts."""

import re
import zipfile
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ferlab.data.colour import GREY
from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.datasets.archive import inside, is_junk, is_picture
from ferlab.datasets.ckplus import PUBLISHED as FRAMES
from ferlab.datasets.members import Box, MemberError, read_lines
from ferlab.datasets.reading import Problem, Reading
from ferlab.datasets.rows import Listing, Row, build

NAME = "ckplus_original"
NUMBERS = {1: "angry", 2: "contempt", 3: "disgust", 4: "fear", 5: "happy", 6: "sad", 7: "surprise"}
NEUTRAL = 0
PEAK = 3  # frames of a sequence; a third of the 981 images of CK+48 are its 327 labelled sequences
MARGIN = 0.15  # of the longer side of the landmarks' box, added on each side: forehead and chin
PUBLISHED = {"all": FRAMES}
"""Frames a class, in the order of CKPLUS_CLASSES."""

_FARTHEST = 1e5  # pixels from the corner
_FRAME = re.compile(r"(?P<subject>S\d+)_(?P<sequence>\d+)_(?P<frame>\d+)(?P<kind>_emotion|_landmarks)?", re.IGNORECASE)

Points = NDArray[np.float64]
"""Landmarks, float64 (N, 2): x and y in pixels."""


def recognise(archive: zipfile.ZipFile) -> bool:
    """Whether emotions of sequences are in here."""
    return any(name.lower().endswith("_emotion.txt") and _parse(name) for name in archive.namelist())


def read(archive: zipfile.ZipFile, *, side: int, classes: Sequence[str] | None, channels: int = GREY) -> Reading:
    """Read the peak frames of each labelled sequence, cut to the face.

    `Sxxx_yyy_zzzzzzzz` is subject, sequence and frame: frames are pictures of that name, `…_emotion.txt` labels the
    frame at the sequence's peak, `…_landmarks.txt` has 68 points of one frame. Of each sequence that has a label, the
    labelled frame and the two before it are read. Neutral (0) and sequences without a label are left out.

    Of a frame with landmarks the square round their box is used, with MARGIN on each side, as far as the picture goes;
    of one without, its middle.

    Args:
        side: pixels. classes: those to read, in their order; None for CK+'s seven.
        channels: 1 (grey) or 3 (RGB).

    Raises:
        UserError: as `build`.
    """
    frames, emotions, landmarks = (
        defaultdict[tuple[str, str], dict[int, str]](dict),
        dict[tuple[str, str], str](),
        dict[str, str](),
    )
    problems = list[Problem]()
    for name in sorted(set(archive.namelist())):
        match = _parse(name)
        if not match:
            continue
        key = match["subject"].upper(), match["sequence"]
        if match["kind"] is None:
            frames[key][int(match["frame"])] = name
        elif match["kind"].lower() == "_landmarks":
            landmarks[match[0].upper()] = name
        elif emotions.setdefault(key, name) != name:
            problems.append(Problem(name, f"is a second label of its sequence, beside {emotions[key]}"))
    rows, points, without, neutral = list[Row](), dict[str, Points](), 0, 0
    for key, name in emotions.items():
        try:
            label = _emotion(archive, name)
        except MemberError as error:
            problems.append(Problem(name, str(error)))
            continue
        peak = _peak(frames[key], name)
        if label == NEUTRAL:
            neutral += 1
        elif not peak:
            problems.append(Problem(name, "labels a frame that isn't in here"))
        for member in peak if label != NEUTRAL else ():
            text = landmarks.get(f"{inside(member).stem}_landmarks".upper())
            try:
                points |= {member: _points(archive, text)} if text else {}
            except MemberError as error:
                problems.append(Problem(text or member, str(error)))
                continue
            without += text is None
            rows.append(Row(member, "all", NUMBERS[label], key[0]))

    def cut(member: str, width: int, height: int) -> Box | None:
        return square_round(points[member], width, height) if member in points else None

    unlabelled = len(frames.keys() - emotions.keys())
    notices = [f"{unlabelled} sequences without a label are left out"] * bool(unlabelled)
    notices += [f"{neutral} neutral sequences are left out: they are none of the seven expressions"] * bool(neutral)
    notices += [f"{without} frames have no landmarks: their middle is used, not their face"] * bool(without)
    found = Listing(NAME, "CK+ (original)", CKPLUS_CLASSES, rows, problems, notices, cut)
    return build(archive, found, side=side, classes=classes, channels=channels)


def square_round(points: Points, width: int, height: int) -> Box:
    """The square round landmarks with MARGIN on each side, moved into the picture, and no larger than it.

    Raises:
        MemberError: none of the landmarks' box lies in the picture.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    if (high < 0).any() or (low > (width, height)).any():
        raise MemberError(f"has its landmarks outside its {width}x{height} pixels")
    edge = min(round(float((high - low).max()) * (1 + 2 * MARGIN)), width, height)
    edge = max(edge, 1)
    left, upper = (
        int(np.clip(round(float(middle) - edge / 2), 0, limit - edge))
        for middle, limit in zip((low + high) / 2, (width, height), strict=True)
    )
    return left, upper, left + edge, upper + edge


def _parse(name: str) -> re.Match[str] | None:
    """What a name says: of a picture, or of a text of emotions or landmarks."""
    path = inside(name)
    match = None if is_junk(name) else _FRAME.fullmatch(path.stem)
    if match and (is_picture(name) if match["kind"] is None else path.suffix.lower() == ".txt"):
        return match
    return None


def _peak(frames: dict[int, str], label: str) -> list[str]:
    """The labelled frame and the ones before it, PEAK in all; none if the labelled one is missing."""
    match = _parse(label)
    assert match is not None
    last = int(match["frame"])
    return [frames[i] for i in sorted(frames) if i <= last][-PEAK:] if last in frames else []


def _emotion(archive: zipfile.ZipFile, name: str) -> int:
    lines = [line for line in read_lines(archive, name) if line]
    try:
        value = float(lines[0]) if len(lines) == 1 else float("nan")
    except ValueError:
        value = float("nan")
    if value not in (NEUTRAL, *NUMBERS):
        raise MemberError("holds no number of an emotion (0 to 7)")
    return int(value)


def _points(archive: zipfile.ZipFile, name: str) -> Points:
    try:
        table = np.array([line.split() for line in read_lines(archive, name) if line], dtype=np.float64)
    except (ValueError, OverflowError):  # also of a MemberError: then there is no table either
        table = np.empty(0)
    if table.ndim != 2 or table.shape[1] != 2 or len(table) < 3 or not (np.abs(table) < _FARTHEST).all():
        raise MemberError("holds no landmarks: two numbers a line, x and y in pixels")
    return table
