"""What the page is made of: its sections, and the album that their figures are put into."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ferlab.errors import UserError
from ferlab.files import atomic_write
from ferlab.report import drawing

_REDO = "`ferlab report` draws it anew"


class Picture(NamedTuple):
    """A figure of the page: PNG as a data URI, and what it shows in words."""

    uri: str
    alt: str


@dataclass(frozen=True)
class PageSection:
    """A section of the page.

    Attributes:
        name: of its template (`templates/<name>.html.j2`) and of its anchor.
        nav: its title in the page's list of sections.
        title: its heading.
        values: what its template is given, beside `params`, `paper` and `data_sets`.
        numbers: what it publishes, as data: plain JSON, put into numbers.json under its name.
        shown: whether it is on the page; its files and numbers are there in any case.
    """

    name: str
    nav: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    shown: bool = True


@dataclass(frozen=True)
class Album:
    """Puts each figure into `folder` for print (300 dots an inch) and, at half of that, on the page.

    Attributes:
        draw: false leaves every figure out, for who only wants the text.
        kept: a folder whose figures, drawn before, are shown on the page then.
    """

    folder: Path
    draw: bool = True
    kept: Path | None = None

    def keep(
        self, name: str, alt: str, panel: drawing.Panel, size: tuple[float, float], *, every_colour: bool = False
    ) -> Picture:
        """One panel of `size` inches as `folder`/`name`.png, and as a picture of the page.

        Args:
            every_colour: as of `drawing.png`.
        """
        if not self.draw:
            return self._kept(name, 1, [alt], every_colour)[0]
        image = drawing.raster(panel, size)
        self._write(name, image, every_colour)
        return _picture(alt, image, every_colour)

    def panels(
        self, name: str, columns: int, size: tuple[float, float], drawn: Mapping[str, drawing.Panel]
    ) -> list[Picture]:
        """Panels of equal size, each for the page, and all of them as one sheet `folder`/`name`.png.

        Args:
            drawn: what a panel shows in words -> the panel.
        """
        if not self.draw:
            return self._kept(name, columns, list(drawn))
        return [
            _picture(alt, image)
            for alt, image in zip(drawn, self.sheet(name, columns, size, drawn.values()), strict=True)
        ]

    def sheet(
        self, name: str, columns: int, size: tuple[float, float], drawn: Iterable[drawing.Panel]
    ) -> list[drawing.Raster]:
        """Panels of equal size as one sheet `folder`/`name`.png, which the page doesn't show; each as drawn."""
        images = [drawing.raster(panel, size) for panel in drawn] if self.draw else []
        if self.draw:
            self._write(name, drawing.sheet(images, columns))
        return images

    def _kept(self, name: str, columns: int, alts: Sequence[str], every_colour: bool = False) -> list[Picture]:
        path = self.kept / f"{name}.png" if self.kept else None
        if path is None or not path.is_file() or not alts:
            return [Picture("", alt) for alt in alts]
        try:
            panels = drawing.cut(drawing.read_png(path.read_bytes()), columns, len(alts))
            return [_picture(alt, panel, every_colour) for alt, panel in zip(alts, panels, strict=True)]
        except ValueError as error:
            raise UserError(f"not this report's figure: {error}", where=str(path), next_step=_REDO) from None

    def _write(self, name: str, image: drawing.Raster, every_colour: bool = False) -> None:
        with atomic_write(self.folder / f"{name}.png") as handle:
            handle.write(drawing.png(image, drawing.PRINT_DPI, every_colour=every_colour))


def _picture(alt: str, image: drawing.Raster, every_colour: bool = False) -> Picture:
    data = drawing.png(drawing.halved(image), drawing.PRINT_DPI // 2, every_colour=every_colour)
    return Picture("data:image/png;base64," + base64.b64encode(data).decode(), alt)
