"""A study trains each of its GANs once, wherever it was stopped, and says how varied each is."""

import json
import math
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats
from typer.testing import CliRunner

from ferlab.ablation.collapse import Candidate, candidates, run
from ferlab.cli.main import app
from ferlab.code.check import record
from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.errors import UserError
from ferlab.files import canonical_json
from ferlab.params import Params, load
from ferlab.params.study import BASE, GanStudy, read_study
from ferlab.project import Project
from ferlab.quality.pixels import spread, standardise
from ferlab.records.assessed import FILE, AssessedGan, append_assessed, read_assessed
from ferlab.report.collapse import markdown, panel, rows, t_interval
from ferlab.stages import gan
from ferlab.synthesis.sample import draw
from ferlab.training.observe import unseen
from ferlab.training.seeding import derive
from small import GAN, REPOSITORY, noise

STUDY: dict[str, Any] = {
    "data": "demo",
    "family": "dcgan",
    "labels": ["happy"],
    "draws": [0, 1],
    "settings": GAN,
    "variations": {"fast": {"lr": 0.01}},
    "thresholds": [0.1, 0.3],
}


def study(**changes: Any) -> GanStudy:
    return GanStudy.model_validate_json(canonical_json(STUDY | changes))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has CK+, of six persons, and nothing else."""
    root = tmp_path_factory.mktemp("project")
    for name in ("params.yaml", "dvc.yaml"):
        (root / name).write_bytes((REPOSITORY / name).read_bytes())
    n = 6 * len(CKPLUS_CLASSES)
    labels = np.arange(n) % len(CKPLUS_CLASSES)
    persons = [f"S{i // len(CKPLUS_CLASSES):03d}" for i in range(n)]
    ids = [f"{CKPLUS_CLASSES[c]}/{p}_{c:03d}_00000001.png" for c, p in zip(labels, persons, strict=True)]
    faces = ImageSet(noise(n), labels, CKPLUS_CLASSES, tuple(ids), tuple(persons), ("ckplus",) * n, "all")
    faces.save(root / "work" / "sources" / "ckplus")
    (root / "studies").mkdir()
    (root / "studies" / "small.yaml").write_text(json.dumps(STUDY))
    (root / "studies" / "real.yaml").write_text(json.dumps(STUDY | {"data": "real"}))
    record(Project(root))  # so that commands may work here
    return Project(root)


@pytest.fixture(scope="module")
def params(project: Project) -> Params:
    loaded = load(project.params)
    few = {"quality": {"resamples": 20, "halves": 1, "folds": 2}, "synthesis": {"per_class": 10}}
    return loaded.model_copy(
        update={name: getattr(loaded, name).model_copy(update=values) for name, values in few.items()}
    )


def asked(project: Project, params: Params, study: GanStudy) -> list[Candidate]:
    return list(candidates(project, params, study, quiet=True, progress=unseen))


@pytest.fixture(scope="module")
def lines(project: Project, params: Params) -> list[AssessedGan]:
    run(asked(project, params, study()), "small", lambda line: None)
    return read_assessed(project.reports("small"))


def test_what_is_asked_comes_draw_by_draw(project: Project, params: Params) -> None:
    points = [(one.draw, one.point, one.settings.lr) for one in asked(project, params, study())]
    assert points == [(0, BASE, 1e-3), (0, "fast", 1e-2), (1, BASE, 1e-3), (1, "fast", 1e-2)]


def test_a_line_says_what_its_images_are(project: Project, params: Params, lines: list[AssessedGan]) -> None:
    """Diversity by its definition, of the very images that the stages `gan` and `synthesize` would make."""
    one, line = asked(project, params, study())[2], lines[2]
    generator = gan.train_label(one.context, "happy").generator
    images = draw(generator, one.settings.latent, 0, 10, derive(params.synthesis.seed + 1, "dcgan", "happy"))
    real = ImageSet.open(project.work / "sources" / "ckplus")
    faces = np.asarray(real.images)[real.labels == CKPLUS_CLASSES.index("happy")]

    def mean_distance(images: Any) -> float:
        return float(spread(standardise(images), np.arange(len(images)), np.ones((1, len(images))))[0])

    assert line.diversity == pytest.approx(mean_distance(images) / mean_distance(faces), abs=1e-5)
    assert line.quality.samples == len(images)
    assert (line.draw, line.label, line.settings) == (1, "happy", one.settings)
    assert line.seed == derive(params.gan.seed + 1, "dcgan", "happy")
    assert line.steps == 2 * 2  # two epochs of six faces, in batches of four
    assert line.identity == f"{one.context.identity.name}-happy"
    assert line.made.package


def test_what_has_been_assessed_is_not_trained_again(
    project: Project, params: Params, lines: list[AssessedGan], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(gan, "train_label", never)
    run(asked(project, params, study()), "small", never)
    assert read_assessed(project.reports("small")) == lines
    with pytest.raises(AssertionError, match="trained again"):  # a longer one is another
        run(asked(project, params, study(settings=GAN | {"epochs": 3})), "small", never)


def test_an_interrupted_study_ends_as_one_that_was_not(
    project: Project, params: Params, lines: list[AssessedGan]
) -> None:
    """Killed in the midst of a GAN, from whose checkpoint it goes on: the same images."""
    again, wanted = "again", asked(project, params, study())[:2]
    one = wanted[1]
    own = one.context.params
    eager = own.model_copy(update={"runtime": own.runtime.model_copy(update={"checkpoint_seconds": 0.0})})
    object.__setattr__(one.context, "params", eager)
    one.context.stop.set()  # the first checkpoint that is offered ends it
    with pytest.raises(KeyboardInterrupt):
        run(wanted, again, lambda line: None)
    assert len(read_assessed(project.reports(again))) == 1
    one.context.stop.clear()
    run(wanted, again, lambda line: None)
    assert [line.images for line in read_assessed(project.reports(again))] == [line.images for line in lines[:2]]
    assert not (one.context.checkpoints.folder / "happy").exists()


def built(lines: list[AssessedGan], values: dict[str, list[float]]) -> list[AssessedGan]:
    """Lines of known diversities: setting -> a value a draw."""
    made = []
    for line, point in ((lines[0], BASE), (lines[1], "fast")):
        for number, value in enumerate(values[point]):
            estimate = line.quality.diversity.model_copy(update={"value": value}) if line.quality.diversity else None
            quality = line.quality.model_copy(update={"diversity": estimate})
            made.append(line.model_copy(update={"draw": number, "quality": quality}))
    return made


def test_the_table_by_its_closed_forms(lines: list[AssessedGan]) -> None:
    known = {BASE: [0.1, 0.2, 0.45], "fast": [0.3, 0.5, 0.4]}
    table = rows(study(draws=[0, 1, 2]), built(lines, known))
    assert [(row.point, list(row.diversity.values())) for row in table] == list(known.items())
    mean, half = 0.25, stats.t.ppf(0.975, 2) * np.std(known[BASE], ddof=1) / math.sqrt(3)
    assert t_interval(known[BASE]) == pytest.approx((mean - half, mean + half))
    assert table[1].differences == pytest.approx((0.2, 0.3, -0.05))
    assert table[0].differences == ()
    assert [table[0].collapsed(t) for t in (0.1, 0.2, 0.3, 0.5)] == [0, 1, 2, 3]  # below, not at
    text = markdown(study(draws=[0, 1, 2]), table, 0.3)
    assert "| happy | `base` | 0 of 3 | 2 of 3 |" in text
    assert "below 0.3 (ours)" in text


def test_one_draw_has_no_interval(lines: list[AssessedGan]) -> None:
    table = rows(study(), built(lines, {BASE: [0.1], "fast": [0.3]}))
    assert t_interval([0.1]) is None
    assert "| 1 | 0.30 | 0.30 | 0.20 |" in markdown(study(), table, 0.3)


def test_the_axis_shows_every_interval(lines: list[AssessedGan]) -> None:
    """Also those of an expression whose images vary more than those of the one above."""
    near = rows(study(), built(lines, {BASE: [0.1, 0.12], "fast": [0.1, 0.13]}))
    far = [replace(row, label="surprise", diversity={k: 8 * v for k, v in row.diversity.items()}) for row in near]
    figure = Figure()
    panel([*near, *far], 0.3)(figure)
    intervals = [found for row in far if (found := t_interval(list(row.diversity.values())))]
    assert len(intervals) == 2
    assert figure.axes[-1].get_xlim()[1] >= max(high for _, high in intervals)


def test_a_gan_made_twice_counts_once(lines: list[AssessedGan]) -> None:
    """As after an edit of its code, or on another device: the later one."""
    twice = built(lines, {BASE: [0.1], "fast": []}) + built(lines, {BASE: [0.2], "fast": []})
    assert [dict(row.diversity) for row in rows(study(), twice)] == [{0: 0.2}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variations": {"fast": {"lr": -1.0}}}, "variations.fast.lr: -1.0 is not allowed"),
        ({"variations": {"fast": {"speed": 2}}}, "variations.fast.speed: unknown key"),
        ({"variations": {"same": {"lr": 1e-3}}}, "'base' has the settings of 'same'"),
        ({"variations": {"base": {"lr": 0.1}}}, "choose another name"),
        ({"draws": [0, 0]}, "names something twice"),
        ({"thresholds": [1.5]}, "thresholds.0: 1.5 is not allowed"),
        ({"classifier": "svm"}, "classifier: unknown key"),
    ],
)
def test_a_study_that_is_wrong_is_refused_by_its_key(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "wrong.yaml").write_text(json.dumps(STUDY | changes))
    with pytest.raises(UserError, match=message):
        read_study(tmp_path, "wrong")


def test_a_study_that_would_write_into_a_budgets_report_is_refused(tmp_path: Path) -> None:
    for folder in ("studies", "budgets"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cpu.yaml").write_text(json.dumps(STUDY))
    with pytest.raises(UserError, match="a budget is called 'cpu' too"):
        read_study(tmp_path, "cpu")


@pytest.mark.parametrize("path", sorted((REPOSITORY / "studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_vary_one_thing_at_a_time(path: Path) -> None:
    """But for epochs, which hold the steps where the batch is another."""
    own = read_study(REPOSITORY, path.stem)
    for name, varied in own.variations.items():
        assert len(varied) == 1 or varied.keys() == {"batch_size", "epochs"}, name
    assert own.points[BASE].model_dump(include={"lr", "batch_size", "epochs"}) == {
        "lr": 1e-4, "batch_size": 16, "epochs": 80,
    }  # fmt: skip


def test_a_damaged_line_is_numbered(tmp_path: Path, lines: list[AssessedGan]) -> None:
    append_assessed(tmp_path, lines[0])
    assert read_assessed(tmp_path) == lines[:1]
    with (tmp_path / FILE).open("a") as file:
        file.write('{"identity": 3}\n')
    with pytest.raises(UserError, match="line 2 is no GAN of a study"):
        read_assessed(tmp_path)


def test_the_command_writes_table_and_figure(
    project: Project, lines: list[AssessedGan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And trains nothing where everything is on record."""
    monkeypatch.chdir(project.root)
    folder = project.reports("small")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for words in (["--table"], []):
        shown = CliRunner().invoke(app, ["--quiet", "collapse", "small", *words])
        assert shown.exit_code == 0, shown.output
        assert shown.output.strip() == (folder / "table.md").read_text().strip()
        assert (folder / "diversity.png").read_bytes().startswith(b"\x89PNG")
    assert read_assessed(folder) == lines
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "there is no study 'nothing'"),
        (["small", "--setting", "slow"], "the study has no 'slow'"),
        (["small", "--label", "neutral"], "the study has no 'neutral'"),
        (["real"], "of real faces, and params.yaml names demo ones"),
    ],
)
def test_what_a_study_lacks(project: Project, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str) -> None:
    monkeypatch.chdir(project.root)
    failed = CliRunner().invoke(app, ["collapse", *words])
    assert isinstance(failed.exception, UserError)
    assert message in failed.exception.what
