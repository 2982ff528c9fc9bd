"""One call that rebuilds every table, figure and the page of one budget from its small files."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.errors import UserError
from ferlab.evaluation.metrics import confusion
from ferlab.files import atomic_write, write_text
from ferlab.params import Params
from ferlab.report import paper, tables

SPLITS = ("train", "valid", "test")
_REDO = "run `dvc repro`, which makes it anew"


class Picture(NamedTuple):
    """A figure of the page: PNG as a data URI, and what it shows in words."""

    uri: str
    alt: str


def build(folder: Path, params: Params) -> Path:
    """Rebuild every table, figure and the page from the small files in `folder` (= reports/<budget>/).

    Writes index.html, table1.csv, table1.md, accuracy.png, figure1.png, samples.png, confusion.png, curves.png and
    tuning.png, each atomically and byte for byte the same from the same files. What is missing is shown as not run yet.

    Returns:
        `folder`/index.html.

    Raises:
        UserError: a file is damaged, runs can't be compared, or the files are of other data than params names.
    """
    audit = tables.read_json(folder / "audit.json")
    if (kind := audit.get("data", {}).get("kind", params.data.kind)) != params.data.kind:
        raise UserError(
            f"{folder.name}/ holds results on {kind} data, and params.yaml says data.kind is {params.data.kind}",
            where=str(folder / "audit.json"),
            next_step="run `dvc repro`, or switch back with `ferlab budget use`",
        )
    table = tables.table1(folder, params)
    write_text(folder / "table1.csv", table.to_csv(index=False, lineterminator="\n"))
    write_text(folder / "table1.md", tables.table1_markdown(table, params))
    runs = tables.read_runs(folder, params)
    arms = tables.read_json(folder / "arms.json")
    page = Environment(
        loader=PackageLoader("ferlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    from ferlab.report import audit as data  # late: matplotlib takes its time

    page.globals.update(tables=tables, paper=paper, data=data)
    html = page.get_template("index.html.j2").render(
        params=params,
        table=table.to_dict("records"),
        controls=tables.controls(folder, params).to_dict("records"),
        run_rows=tables.run_table(folder, params).to_dict("records"),
        sentences=_sentences(runs, params),
        settings=_settings(arms),
        arms={name: arms[name] for name in params.run.arms if name in arms},
        families={name: _family(name, params) for name in params.run.families},
        quality=tables.read_json(folder / "quality.json"),
        audit=audit,
        classes=FER_CLASSES,
        ckplus_classes=CKPLUS_CLASSES,
        splits=SPLITS,
        data_figures=[_picture(alt, png) for alt, png in data.pictures(audit)],
        **_pictures(folder, params, table, runs),
    )
    write_text(folder / "index.html", html)
    return folder / "index.html"


def _pictures(folder: Path, params: Params, table: pd.DataFrame, runs: tables.Runs) -> dict[str, Any]:
    """Draw all figures, write their sheets into the folder, and return what the page shows of them."""
    from ferlab.report import figures  # late: matplotlib takes its time

    samples = {
        name: faces
        for name in params.run.families
        if (faces := _samples(folder / "samples" / f"{name}.npy")) is not None
    }
    curves = {arm: _curves(folder, arm, list(seeds)) for arm, seeds in runs.items()}
    trials = {
        name: t for name in params.run.tuned if (t := _csv(folder / "trials" / f"{name}.csv", _TRIAL)) is not None
    }

    counts = {arm: np.sum([confusion(run) for run in seeds.values()], axis=0) for arm, seeds in runs.items()}

    def keep(name: str, alt: str, image: figures.Raster) -> Picture:
        data = figures.png(image)
        with atomic_write(folder / f"{name}.png") as handle:
            handle.write(data)
        return _picture(alt, data)

    def panels(
        name: str, columns: int, size: tuple[float, float], alt: str, drawn: Mapping[str, figures.Panel]
    ) -> list[Picture]:
        """Each panel for the page, and all of them as one sheet in the folder."""
        rasters = {key: figures.raster(panel, size) for key, panel in drawn.items()}
        keep(name, "", figures.sheet(list(rasters.values()), columns))
        return [_picture(alt.format(key), figures.png(image)) for key, image in rasters.items()]

    missing = ", ".join(row.name for row in paper.FIGURE1 if row.family not in samples)
    alt = f"Generated faces: a column for each of {', '.join(CKPLUS_CLASSES)}; rows: {', '.join(samples) or 'none'}."
    alt += f" Empty rows, {tables.NOT_RUN}: {missing}." if missing else ""
    shown = min(4, max((faces.shape[1] for faces in samples.values()), default=0))  # more would make a heavy page
    accuracy = figures.raster(figures.accuracy_panel(table, human=not tables.drawn(params)), (5.2, 4.1))
    return {
        "accuracy": keep("accuracy", "Accuracies as dots with 95% intervals; the numbers stand in Table 1.", accuracy),
        "figure1": keep("figure1", alt, figures.raster(*figures.faces_panel(samples, 1))),
        "samples": keep("samples", alt, figures.raster(*figures.faces_panel(samples, max(shown, 1)))),
        "shown": shown,
        "confusions": panels(
            "confusion",
            2,
            (4.5, 4.5),
            "Confusion matrix of {}: percent of each true class, and counts.",
            {arm: figures.confusion_panel(arm, matrix) for arm, matrix in counts.items()},
        ),
        "curves": panels(
            "curves",
            2,
            (4.5, 4.1),
            "Training loss, validation loss and validation accuracy of {} by epoch.",
            {
                arm: figures.curve_panel(arm, found, _selected(folder, arm, list(found)))
                for arm, found in curves.items()
                if found
            },
        ),
        "without_curve": [arm for arm, found in curves.items() if not found],
        "tuning": panels(
            "tuning",
            1,
            (5.2, 3.4),
            "Validation accuracy of each trial of {} against its learning rate.",
            {name: figures.trial_panel(name, found, *params.tune.lr) for name, found in trials.items()},
        ),
    }


def _picture(alt: str, png: bytes) -> Picture:
    return Picture("data:image/png;base64," + base64.b64encode(png).decode(), alt)


def _samples(path: Path) -> NDArray[np.uint8] | None:
    if not path.exists():
        return None
    try:
        faces: NDArray[np.uint8] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"not an array of samples: {error}", where=str(path), next_step=_REDO) from None
    if faces.dtype != np.uint8 or faces.ndim != 4 or faces.shape[0] != len(CKPLUS_CLASSES) or 0 in faces.shape:
        raise UserError(
            f"samples are {faces.dtype} {faces.shape}, not uint8 (7, n, 48, 48)", where=str(path), next_step=_REDO
        )
    return faces


_TRIAL = {"lr", "batch_size", "value"}
_CURVE = {"epoch", "valid_accuracy"}


def _csv(path: Path, columns: set[str]) -> pd.DataFrame | None:
    if not path.exists():
        return None
    try:
        table = pd.read_csv(path)
    except ValueError as error:  # pandas' parser and empty-file errors are ValueErrors
        raise UserError(f"not a table: {error}", where=str(path), next_step=_REDO) from None
    if absent := columns - set(table.columns):
        raise UserError(f"has no column {', '.join(sorted(absent))}", where=str(path), next_step=_REDO)
    return table


def _curves(folder: Path, arm: str, seeds: Sequence[int]) -> dict[int, pd.DataFrame]:
    """Seed -> learning curve, of networks only: a classifier that is fitted in one go has no losses to show."""
    found = {seed: _csv(folder / "curves" / f"{arm}-{seed}.csv", _CURVE) for seed in seeds}
    return {seed: curve for seed, curve in found.items() if curve is not None and "train_loss" in curve}


def _selected(folder: Path, arm: str, seeds: Sequence[int]) -> dict[int, int]:
    chosen = {seed: tables.read_json(folder / "selection" / f"{arm}-{seed}.json") for seed in seeds}
    return {seed: int(one["selected_epoch"]) for seed, one in chosen.items() if "selected_epoch" in one}


def _sentences(runs: tables.Runs, params: Params) -> list[str]:
    """What the numbers say so far, without judging whether a difference is real."""
    if not runs:
        return ["No arm has been run yet."]
    scored = {arm: tables.accuracy(seeds) for arm, seeds in runs.items()}
    best = max(scored, key=lambda arm: scored[arm].value)
    one = scored[best]
    images = len(next(iter(runs[best].values())).ids)
    common, share = tables.always_commonest(runs)
    highest = (
        f"The highest of our {len(scored)} arm{'s' * (len(scored) > 1)} so far is {best}: {one.value:.2%} of "
        f"{images:,} test images (95% interval {one.low:.2%} to {one.high:.2%}; {one.method}). "
        "It was picked after seeing all of them."
    )
    sentences = [
        highest,
        f"Always answering “{FER_CLASSES[common]}”, the commonest class of this test split, would give {share:.2%}.",
    ]
    plain, augmented = scored.get(paper.CLAIM.plain.arm), scored.get(paper.CLAIM.augmented.arm)
    if plain and augmented:
        gain = tables.signed(100 * (augmented.value - plain.value))
        reported = "" if tables.drawn(params) else f"; the paper reports +{paper.CLAIM.gain:.2f}"
        sentences.append(
            f"Adding DCGAN images to ResNET-50's training data changes our accuracy by {gain} points{reported}. "
            "This page doesn't test whether that is more than chance."
        )
    return sentences


def _settings(arms: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Classifier settings beside the paper's; arms with equal settings share one table.

    The optimiser is no parameter of ours: networks are always trained with SGD.
    """
    groups: list[dict[str, Any]] = []
    for arm, about in arms.items():
        network = about["settings"].get("method") == "network"
        rows = paper.compare(about["classifier"], ({"optimiser": "SGD"} if network else {}) | about["settings"])
        for group in groups:
            if group["rows"] == rows and group["classifier"] == about["classifier"]:
                group["arms"].append(arm)
                break
        else:
            groups.append({"classifier": about["classifier"], "arms": [arm], "rows": rows})
    return groups


def _family(name: str, params: Params) -> list[tuple[str, str, str]]:
    """A GAN family's settings beside the paper's. Its optimiser is no parameter: it is always Adam."""
    return paper.compare(name, {"family": name, "optimiser": "Adam"} | params.plain(f"gan.families.{name}"))
