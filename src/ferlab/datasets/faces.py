"""One drawn face: a cartoon of 48x48 grey pixels, the same bytes on every machine, because all is integers.

It is drawn on a canvas `SUPERSAMPLING` times as fine and averaged down. Lengths are in face units, `UNITS` to
a picture's side, x to the right and y downwards from the middle of the face. Tones are grey levels, 0-255.
"""

import hashlib
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import SIDE

Values = dict[str, int]
Ints = NDArray[np.int32]
Window = tuple[slice, slice]
Shape = tuple[Window, Ints]
"""A part of the canvas, and how deep in the shape its points are: 256 in the middle, 0 or less outside."""

SUPERSAMPLING = 2
CANVAS = SUPERSAMPLING * SIDE
UNITS = 960  # face units across the picture at a zoom of 100 %

EXPRESSIONS: dict[str, Values] = {
    "angry": {"brow_y": 38, "brow_tilt": 48, "lid": -8, "low_lid": -5, "mouth_bend": 32, "mouth_width": -12,
              "frown": 60, "nose": 20, "fold": 20, "gap": 8, "teeth": 40},
    "disgust": {"brow_y": 26, "brow_tilt": 26, "lid": -20, "low_lid": -12, "mouth_bend": 40, "mouth_y": -22,
                "nose": 65, "fold": 50, "gap": 26, "teeth": 100, "frown": 30},
    "fear": {"brow_y": -34, "brow_tilt": -36, "lid": 20, "low_lid": 4, "mouth_bend": 20, "mouth_width": 14,
             "gap": 34, "teeth": 70, "forehead": 35},
    "happy": {"brow_y": -8, "brow_bend": 10, "lid": -8, "low_lid": -14, "mouth_bend": -72, "mouth_width": 42,
              "mouth_y": 8, "gap": 44, "teeth": 120, "fold": 32, "cheek": 22},
    "sad": {"brow_y": -2, "brow_tilt": -46, "lid": -16, "lid_tilt": -14, "mouth_bend": 52, "mouth_width": -16,
            "mouth_y": 8, "frown": 25},
    "surprise": {"brow_y": -62, "brow_bend": 22, "lid": 26, "low_lid": 8, "mouth_width": -46, "mouth_y": 22,
                 "gap": 120, "forehead": 48},
    "neutral": {},  # at rest
    "contempt": {"smirk": 74, "lid": -12, "fold": 20, "brow_y": 4},
}  # fmt: skip
"""How far each part of a resting face moves in an expression of full strength (100)."""


def draw_face(expression: str, person: Values, moment: Values, wobble: Values, noise: str) -> NDArray[np.uint8]:
    """Draw one picture.

    Args:
        expression: a key of `EXPRESSIONS`.
        person: what stays the same in all pictures of a person; a value for each key of `demo.PERSON`.
        moment: the expression's strength (per cent), pose, light and camera; the keys of `demo.WILD`.
        wobble: how far each part moves besides, whatever the expression; the keys of `demo.WOBBLE`.
        noise: names the noise; other names have other noise.

    Returns:
        uint8 (48, 48), 0-255.
    """
    full = EXPRESSIONS[expression]
    move = {part: extra + full.get(part, 0) * moment["strength"] // 100 for part, extra in wobble.items()}
    canvas = Canvas(moment)
    _backdrop(canvas, person, moment)
    _head(canvas, person, move)
    canvas.turn(moment["turn"], moment["nod"])
    _skin(canvas, person, move)
    _eyes(canvas, person, move)
    _mouth(canvas, person, move, side=moment["side"] * 2 - 1)
    _occlude(canvas, person, moment["occluder"])
    return _expose(canvas.grey, moment, noise)


class Canvas:
    """A grey picture of int32 (CANVAS, CANVAS), and the face coordinates of each of its points."""

    def __init__(self, moment: Values) -> None:
        """Place a face by `shift_x`, `shift_y` (units), `zoom` (per cent) and `tilt` (tangent, in 1/256)."""
        self._moment, self._turned = moment, (0, 0)
        steps = (2 * np.arange(CANVAS, dtype=np.int32) + 1 - CANVAS) * (UNITS // 2) // CANVAS
        x = (steps[None, :] - moment["shift_x"]) * 100 // moment["zoom"]
        y = (steps[:, None] - moment["shift_y"]) * 100 // moment["zoom"]
        self.x: Ints = x + y * moment["tilt"] // 256
        self.y: Ints = y - self.x * moment["tilt"] // 256
        self.grey: Ints = np.zeros((CANVAS, CANVAS), dtype=np.int32)

    def turn(self, x: int, y: int) -> None:
        """Move the origin, once, as a turned head moves the face's parts in its outline."""
        self.x, self.y = self.x - x, self.y - y
        self._turned = (x, y)

    def ellipse(self, x: int, y: int, a: int, b: int, within: Shape | None = None, jaw: int = 0) -> Shape:
        """An ellipse with half axes a and b; `jaw` (256: by half) narrows it downwards."""
        window = within[0] if within else self._window(x, y, a, b)
        across, down = (self.x[window] - x) * 256 // a, (self.y[window] - y) * 256 // b
        if jaw:
            across = across * (256 + (np.maximum(down, 0) * jaw >> 8)) >> 8
        depth = 256 - (across * across + down * down >> 8)
        return window, np.minimum(depth, within[1]) if within else depth

    def lens(
        self, x: int, y: int, half: int, up: int, down: int, *, slope: int = 0, bend: int = 0, skew: int = 0,
        upright: bool = False, within: Shape | None = None,
    ) -> Shape:  # fmt: skip
        """A stroke of length 2*half that reaches `up` and `down` from its middle line and closes at its ends.

        The middle line falls by `bend` towards both ends; by `slope`, or curved by `skew`, towards the right
        end, and rises as much towards the left one. `upright` exchanges x and y.
        """
        up, down = max(up, 1), max(down, 1)
        sag = up + down + abs(slope) + abs(bend) + abs(skew)
        window = within[0] if within else self._window(x, y, *((sag, half) if upright else (half, sag)))
        along, across = self.x[window] - x, self.y[window] - y
        if upright:
            along, across = across, along
        t = along * 256 // half
        square = np.minimum(t * t >> 8, 600)  # far outside the shape, but its square still fits
        off = across - (slope * t + (bend + skew * np.sign(t) if skew else bend) * square >> 8)
        depth = 256 - (square * (square + 256) >> 9) - np.maximum(-off * 256 // up, off * 256 // down)
        return window, np.minimum(depth, within[1]) if within else depth

    def fill(self, shape: Shape, tone: int, bulge: int = 0) -> None:
        """Paint a shape in one tone; `bulge` makes it darker by as much from the middle to the edge."""
        window, depth = shape
        np.copyto(self.grey[window], tone - ((256 - depth) * bulge >> 8), where=depth > 0)

    def shade(self, shape: Shape, amount: int) -> None:
        """Make a shape lighter or darker by `amount` in its middle and by nothing at its edge."""
        window, depth = shape
        self.grey[window] += np.maximum(depth, 0) * amount >> 8

    def _window(self, x: int, y: int, a: int, b: int) -> Window:
        """The part of the canvas that holds everything within a and b of a point: most shapes are small."""
        tilt, x, y = self._moment["tilt"], x + self._turned[0], y + self._turned[1]
        row, rows = y + x * tilt // 256, b + a * abs(tilt) // 256
        column, columns = x - row * tilt // 256, a + rows * abs(tilt) // 256
        return self._span(row, rows, "shift_y"), self._span(column, columns, "shift_x")

    def _span(self, middle: int, reach: int, shift: str) -> slice:
        scale = CANVAS * self._moment["zoom"]
        start = CANVAS // 2 + CANVAS * self._moment[shift] // UNITS
        low, high = (middle - reach) * scale // (100 * UNITS), (middle + reach) * scale // (100 * UNITS)
        margin = 3  # points: what the roundings can come to
        return slice(max(0, start + low - margin), max(0, start + high + margin))


def _backdrop(canvas: Canvas, person: Values, moment: Values) -> None:
    canvas.grey += moment["background"]
    for side in (-1, 1):
        clutter = canvas.ellipse(side * 400, side * moment["clutter_y"], 330, 380)
        canvas.shade(clutter, side * moment["clutter"])
    canvas.fill(canvas.ellipse(0, 720, 520, 320), person["clothes"], bulge=30)
    canvas.fill(canvas.ellipse(0, 400, 150, 190), person["skin"] - 45)


def _head(canvas: Canvas, person: Values, move: Values) -> None:
    """Hair, ears and skin, and the forehead's lines, which the fringe may hide."""
    a, b, hair = person["width"], person["height"], person["hair"]
    skull = canvas.ellipse(0, -40, a + person["volume"], b + person["volume"])
    canvas.fill(skull, hair, bulge=-20)
    if person["long"] > 0:
        canvas.fill(canvas.ellipse(0, 130, a + 70, b), hair, bulge=-20)
    for side in (-1, 1):
        canvas.fill(canvas.ellipse(side * (a + 5), 0, 45, 85), person["skin"] - 20, bulge=30)
    canvas.fill(canvas.ellipse(0, 0, a, b, jaw=person["jaw"]), person["skin"] + 15, bulge=person["bulge"] + 25)
    for y in (-215, -260):
        canvas.shade(canvas.lens(0, y + move["brow_y"] // 2, 170, 11, 11, bend=10), -max(move["forehead"], 0))
    fringe = canvas.ellipse(person["parting"], -b - 60, a + 60, person["fringe"] + 60, within=skull)
    canvas.fill(fringe, hair, bulge=-20)


def _skin(canvas: Canvas, person: Values, move: Values) -> None:
    """Nose, beard, and the lines and shadows that an expression makes."""
    nose, y = person["nose"], person["nose_y"]
    fold, frown, wrinkle = (-max(move[line], 0) for line in ("fold", "frown", "nose"))
    upright = partial(canvas.lens, upright=True)
    if person["beard"] > 0:
        canvas.shade(canvas.ellipse(0, person["mouth_y"] + 60, 250, 190), -person["beard"] - 20)
    canvas.shade(upright(-nose // 2, y - 70, 110, 22, 16, bend=-10), -34)
    canvas.shade(canvas.ellipse(6, y - 40, 30, 120), 30)
    canvas.shade(canvas.lens(0, y + 26, nose + 16, 22, 16, bend=-16), -60)
    for side in (-1, 1):
        canvas.shade(canvas.ellipse(side * nose // 2, y + 18, 15, 11), -90)
        canvas.shade(canvas.ellipse(side * 190, 110, 100, 80), move["cheek"])
        canvas.shade(upright(side * (nose + 74), y + 46, 58, 26, 26, slope=side * 46, bend=-side * 10), fold)
        canvas.shade(upright(side * 26, -125, 55, 12, 12), frown)
        canvas.shade(canvas.lens(side * 34, y - 74, 36, 14, 14, slope=side * 16), wrinkle)


def _eyes(canvas: Canvas, person: Values, move: Values) -> None:
    half, brow = person["eye_size"], person["brow"]
    up, down = max(half * 2 // 5 + move["lid"], 3), max(half * 3 // 10 + move["low_lid"], 4)
    for side in (-1, 1):
        x, y, tilt = side * person["eye_gap"], -50, -side * move["lid_tilt"]
        canvas.shade(canvas.ellipse(x, y - 20, half + 40, 90), -28)
        canvas.fill(canvas.lens(x, y, half + 8, up + 13, down + 5, slope=tilt), min(person["hair"], 60))
        white = canvas.lens(x, y, half, up, down, slope=tilt)
        canvas.fill(white, 228, bulge=25)
        canvas.fill(canvas.ellipse(x, y, 36, 38, within=white), person["iris"])
        canvas.fill(canvas.ellipse(x, y, 16, 17, within=white), 8)
        canvas.fill(canvas.ellipse(x - 14, y - 14, 9, 9, within=white), 245)
        line = partial(canvas.lens, slope=-side * move["brow_tilt"], bend=16 + move["brow_bend"])
        stroke = line(x + side * 5, move["brow_y"] - 142, half + 18, brow, brow * 2 // 3)
        canvas.fill(stroke, min(person["hair"], person["skin"] - 55))


def _mouth(canvas: Canvas, person: Values, move: Values, side: int) -> None:
    half = person["mouth"] + move["mouth_width"]
    gap, lip = max(move["gap"], 0), person["lip"]
    # a smirk lifts one corner only: half of it bends both, half of it skews
    bend, skew = move["mouth_bend"] - move["smirk"] // 2, -side * (move["smirk"] // 2)
    lens = partial(canvas.lens, bend=bend, skew=skew)
    y = person["mouth_y"] + move["mouth_y"] - bend // 2
    up, down = gap // 3, gap - gap // 3
    canvas.shade(canvas.ellipse(0, y + down + 62, half * 2 // 3, 26), -26)
    canvas.fill(lens(0, y, half, up + lip, down + lip + 4), person["skin"] - 48)
    inner = lens(0, y, half - 6, up + 5, down + 5)
    canvas.fill(inner, 28)
    if gap > 12 and move["teeth"] > 40:
        canvas.fill(lens(0, y - 2, half - 14, up + 2, down // 2, within=inner), 225)
    elif gap > 60:
        canvas.fill(canvas.ellipse(0, y + down, half // 2, down // 2, within=inner), 80)


def _occlude(canvas: Canvas, person: Values, occluder: int) -> None:
    """Glasses (0), a hand at the mouth (1), a lock of hair (2), or nothing (any other number)."""
    if occluder == 0:
        for side in (-1, 1):
            window, depth = canvas.ellipse(side * person["eye_gap"], -45, person["eye_size"] + 36, 90)
            canvas.fill((window, np.where(depth < 60, depth, 0)), 25)
        canvas.fill(canvas.lens(0, -60, 40, 10, 10), 25)
    elif occluder == 1:
        for x, half in ((-200, 138), (-138, 150), (-76, 138), (-14, 126)):
            finger = canvas.lens(x, 330, half, 32, 32, upright=True, slope=-30)
            canvas.fill(finger, person["skin"] + 10, bulge=60)
    elif occluder == 2:
        lock = canvas.lens(person["eye_gap"], -190, 240, 62, 48, upright=True, bend=40)
        canvas.fill(lock, person["hair"], bulge=-25)


def _expose(grey: Ints, moment: Values, noise: str) -> NDArray[np.uint8]:
    """Average the canvas down, light it from one side, set its contrast and add noise."""
    ramp = 2 * np.arange(SIDE, dtype=np.int32) + 1 - SIDE
    light = (ramp[None, :] * moment["light_x"] + ramp[:, None] * moment["light_y"]) // SIDE
    coarse = grey.reshape(SIDE, SUPERSAMPLING, SIDE, SUPERSAMPLING).sum(axis=(1, 3), dtype=np.int32)
    lit = coarse // SUPERSAMPLING**2 * (256 + 2 * light) // 256
    exposed = (lit - 128) * moment["contrast"] // 100 + 128 + moment["brightness"]
    data = np.frombuffer(hashlib.shake_128(noise.encode()).digest(4 * SIDE * SIDE), dtype=np.uint8)
    # the sum of four bytes is bell-shaped, with a standard deviation of 148
    grain = data.reshape(4, SIDE, SIDE).sum(axis=0, dtype=np.int32) - 510
    picture: NDArray[np.uint8] = np.clip(exposed + grain * moment["noise"] // 148, 0, 255).astype(np.uint8)
    return picture
