"""The report rebuilt from small files: what it computes, what it says when something is missing, what it refuses."""

import json
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.errors import UserError
from ferlab.evaluation import predictions
from ferlab.params import Params, check
from ferlab.report import paper, tables
from ferlab.report.render import build
from ferlab.yaml_file import read_yaml

ROOT = Path(__file__).parents[2]
N = 70
IMAGES = ("accuracy", "figure1", "samples", "confusion", "curves", "tuning")


def make_params(seeds: list[int], budget: str = "demo", kind: str = "demo") -> Params:
    values = json.loads(json.dumps(read_yaml(ROOT / "params.yaml")))
    values["budget"], values["data"]["kind"] = budget, kind
    values["run"] |= {
        "seeds": seeds,
        "families": ["dcgan"],
        "arms": ["resnet50", "resnet50-dcgan", "resnet50-steps", "svm"],
    }
    values["arms"] = {name: values["arms"][name] for name in values["run"]["arms"]}
    return check(values, "params.yaml")


def add_run(folder: Path, arm: str, seed: int, right: int, prefix: str = "t", notes: object = None) -> None:
    """A run that answers the first `right` of N images correctly and the others with the next class."""
    truth = np.arange(N) % 7
    chosen = np.where(np.arange(N) < right, truth, (truth + 1) % 7)
    probabilities = np.full((N, 7), 0.05)
    probabilities[np.arange(N), chosen] = 0.7
    ids = tuple(f"{prefix}{i}" for i in range(N))
    identity = f"{len(arm):08x}{seed:08x}"
    predictions.write(
        folder / "predictions" / f"{arm}-{seed}.parquet", predictions.Predictions(ids, truth, probabilities, identity)
    )
    for name in ("curves", "selection"):
        (folder / name).mkdir(exist_ok=True)
    curve = {"epoch": [1, 2, 3], "valid_accuracy": [0.2, 0.5, 0.4]}
    if arm != "svm":
        curve |= {"step": [9, 18, 27], "lr": [0.01] * 3, "train_loss": [2.0, 1.5, 1.0], "valid_loss": [1.9, 1.6, 1.7]}
    pd.DataFrame(curve).to_csv(folder / "curves" / f"{arm}-{seed}.csv", index=False)
    selection = {"selected_epoch": 2, "valid_accuracy": 0.5, "notes": notes or {}, "identity": identity}
    (folder / "selection" / f"{arm}-{seed}.json").write_text(json.dumps(selection))


def add_rest(folder: Path, params: Params) -> None:
    """Everything that isn't a run's: arms, samples, quality, audit and trials."""
    about = {
        name: {
            "classifier": arm.classifier,
            "settings": params.plain(f"classifiers.{arm.classifier}"),
            "tuned": arm.tuned,
            "synthetic": arm.synthetic,
            "labels": arm.labels,
            "match_steps_of": arm.match_steps_of,
            "real_images": 700,
            "added_images": 0 if arm.synthetic == "none" else 600,
            "steps": None if arm.classifier == "svm" else 66,
        }
        for name, arm in params.arms.items()
    }
    (folder / "arms.json").write_text(json.dumps(about))
    (folder / "samples").mkdir()
    faces = np.random.default_rng(0).integers(0, 256, (7, 2, 48, 48), dtype=np.uint8)
    np.save(folder / "samples" / "dcgan.npy", faces)
    quality = {
        name: {
            "diversity": 0.1 if name == "fear" else 0.9,
            "collapsed": name == "fear",
            "nearest_real": 0.5,
            "copies": 3,
        }
        for name in CKPLUS_CLASSES
    }
    (folder / "quality.json").write_text(json.dumps({"dcgan": quality}))
    images = {split: dict.fromkeys(FER_CLASSES, 10) for split in ("train", "valid", "test")}
    copies = {"test_in_train": {"all": 2, "happy": 2}, "test_in_valid": {"all": 0}}
    copies |= {"test_in_either": {"all": 2, "happy": 2}, "valid_in_train": {"all": 0}}
    duplicates = {"groups": 1, "images": 2, "extras": 1, "groups_with_conflicting_labels": 0}
    constant = {"train": 1, "valid": 0, "test": 0}
    fer = {"images": images, "constant": constant, "duplicates": duplicates, "copies": copies}
    counts = dict.fromkeys(CKPLUS_CLASSES, 6)
    ckplus = {"images": counts, "sequences": counts, "subjects": 9, "sequences_in_two_classes": 0}
    audit = {"data": {"kind": params.data.kind}, "fer2013": fer, "ckplus": ckplus}
    (folder / "audit.json").write_text(json.dumps(audit))
    (folder / "trials").mkdir()
    trials = {
        "number": [0, 1],
        "lr": [0.01, 0.05],
        "batch_size": [16, 32],
        "value": [0.4, None],
        "state": ["COMPLETE", "PRUNED"],
    }
    pd.DataFrame(trials).to_csv(folder / "trials" / "resnet50.csv", index=False)


class Page(HTMLParser):
    """All tags of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Params, str]:
    folder, params = tmp_path_factory.mktemp("full"), make_params([0])
    add_run(folder, "resnet50", 0, 40)
    add_run(folder, "resnet50-dcgan", 0, 45, notes={"remark": "<script>alert('x')</script>"})
    add_run(folder, "svm", 0, 20)
    add_rest(folder, params)
    return folder, params, build(folder, params).read_text(encoding="utf-8")


def test_papers_numbers_are_the_papers() -> None:
    assert [row.percent for row in paper.TABLE1] == [52.40, 54.92, 64.28, 66.37, 64.61, 71.75, 69.16]
    assert (paper.CLAIM.plain.arm, paper.CLAIM.augmented.arm, paper.CLAIM.gain) == ("resnet50", "resnet50-dcgan", 7.47)
    assert [row.family for row in paper.FIGURE1] == ["dcgan", "wgan_gp", "cgan"]
    assert paper.stated("wgan_gp")["batch_size"] == "8"
    assert paper.stated("wgan_gp")["epochs"] == "200"


def test_nothing_run_gives_seven_rows_that_say_so(tmp_path: Path) -> None:
    html = build(tmp_path, make_params([0])).read_text(encoding="utf-8")
    table = pd.read_csv(tmp_path / "table1.csv")
    assert list(table["arm"]) == [row.arm for row in paper.TABLE1]
    assert list(table["status"]) == ["not run yet"] * 7
    assert table[["ours_percent", "low_percent", "high_percent", "difference_points"]].isna().all(axis=None)
    markdown = (tmp_path / "table1.md").read_text(encoding="utf-8")
    assert markdown.count("| not run yet |") == 7
    assert "No arm has been run yet." in html
    assert all((tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in IMAGES)


def test_one_seed_has_wilsons_interval_in_closed_form(full: tuple[Path, Params, str]) -> None:
    folder, params, _ = full
    table = tables.table1(folder, params).set_index("arm")
    assert len(table) == 7
    row, p, z = table.loc["resnet50"], 40 / N, 1.959963984540054
    centre = (p + z**2 / (2 * N)) / (1 + z**2 / N)
    half = z / (1 + z**2 / N) * np.sqrt(p * (1 - p) / N + z**2 / (4 * N**2))
    assert row["ours_percent"] == pytest.approx(100 * p, abs=1e-5)
    assert row["low_percent"] == pytest.approx(100 * (centre - half), abs=1e-5)
    assert row["high_percent"] == pytest.approx(100 * (centre + half), abs=1e-5)
    real = tables.table1(folder, make_params([0], "trial", "real")).set_index("arm").loc["resnet50"]
    assert real["difference_points"] == pytest.approx(100 * p - 64.28, abs=1e-5)
    assert np.isnan(row["difference_points"])  # drawn faces: a difference to the paper would mean nothing
    assert (row["test_images"], row["added_images"], row["labels"]) == (N, 0, "drop_contempt")
    assert table.loc["resnet50-dcgan", "added_images"] == 600
    assert table.loc["vgg16", "status"] == "not run yet"


def test_three_seeds_have_students_interval(tmp_path: Path) -> None:
    params, right = make_params([0, 1, 2, 3]), [35, 42, 49]
    for seed, n in enumerate(right):
        add_run(tmp_path, "resnet50", seed, n)
    row = tables.table1(tmp_path, params).set_index("arm").loc["resnet50"]
    half = 4.302652729911275 * np.std(np.array(right) / N, ddof=1) / np.sqrt(3)  # t of 0.975 with 2 degrees of freedom
    assert row["ours_percent"] == pytest.approx(60.0, abs=1e-5)
    assert row["high_percent"] - row["ours_percent"] == pytest.approx(100 * half, abs=1e-5)
    assert (row["seeds"], row["seeds_missing"]) == ("0 1 2", "3")
    assert "0, 1, 2 (3 not run yet)" in tables.table1_markdown(tables.table1(tmp_path, params), params)


def test_controls_are_the_arms_that_the_paper_has_not(full: tuple[Path, Params, str]) -> None:
    folder, params, _ = full
    rows = tables.controls(folder, params).set_index("arm")
    assert list(rows.index) == ["resnet50-steps", "svm"]
    assert rows.loc["svm", "ours_percent"] == pytest.approx(100 * 20 / N, abs=1e-5)
    assert rows.loc["resnet50-steps", "status"] == "not run yet"


def test_rebuild_is_byte_identical(full: tuple[Path, Params, str]) -> None:
    folder, params, _ = full
    names = ["index.html", "table1.csv", "table1.md", *(f"{name}.png" for name in IMAGES)]
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    build(folder, params)
    assert {name for name in names if (folder / name).read_bytes() != before[name]} == set()
    assert not list(folder.glob(".*.part"))


def test_figures_are_unsigned_and_heed_no_settings_of_the_user(full: tuple[Path, Params, str]) -> None:
    folder, params, _ = full
    before = {name: (folder / f"{name}.png").read_bytes() for name in IMAGES}
    assert not [name for name, data in before.items() if b"atplotlib" in data or b"tEXt" in data or b"tIME" in data]
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "image.cmap": "jet"}):
        build(folder, params)
    assert {name for name in IMAGES if (folder / f"{name}.png").read_bytes() != before[name]} == set()


def test_page_stands_alone_and_is_accessible(full: tuple[Path, Params, str]) -> None:
    _, _, html = full
    page = Page(html)
    assert not [word for word in ("http://", "https://", "@import", "url(") if word in html]
    assert len(html.encode()) < 5_000_000
    assert not [tag for tag, _ in page.tags if tag in ("script", "iframe", "object", "embed")]
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 3 + 2 + 3 + 1 + 2  # accuracy, Figure 1, more samples; curves; confusion; tuning; data
    assert all((image["src"] or "").startswith("data:image/png;base64,") and image["alt"] for image in images)
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in page.tags if tag == "th")
    assert ("html", {"lang": "en"}) in page.tags
    anchors = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    assert anchors <= {f"#{attributes['id']}" for _, attributes in page.tags if "id" in attributes}


def test_notes_are_escaped(full: tuple[Path, Params, str]) -> None:
    _, _, html = full
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_page_flags_collapse_and_names_runs(full: tuple[Path, Params, str]) -> None:
    folder, _, html = full
    assert html.count("▲ collapsed") == 1
    assert predictions.read(folder / "predictions" / "svm-0.parquet").run in html
    assert "2 (20.0%)" in html  # test images of happy with a copy in the training split


@pytest.mark.parametrize(
    ("budget", "kind", "says", "banner"),
    [
        ("demo", "demo", "say nothing about the paper", True),
        ("paper", "demo", "say nothing about the paper", True),
        ("cpu", "real", "not its experiment", True),
        ("paper", "real", "These numbers come from the paper budget on FER-2013 and CK+.", False),
    ],
)
def test_banner_says_what_the_numbers_are_worth(
    tmp_path: Path, budget: str, kind: str, says: str, banner: bool
) -> None:
    params = make_params([0], budget, kind)
    page = Page(build(tmp_path, params).read_text(encoding="utf-8"))
    assert says in page.text
    assert any(attributes.get("class") == "banner" for _, attributes in page.tags) is banner
    assert says in (tmp_path / "table1.md").read_text(encoding="utf-8").splitlines()[0]


def test_sentences_are_made_from_the_numbers(full: tuple[Path, Params, str]) -> None:
    _, _, html = full
    assert "is resnet50-dcgan: 64.29% of 70 test images" in html
    assert (
        "changes our accuracy by +7.14 points. This page" in html
    )  # drawn faces: the paper's gain isn't set beside it


def test_runs_on_different_images_are_refused(tmp_path: Path) -> None:
    add_run(tmp_path, "resnet50", 0, 40)
    add_run(tmp_path, "svm", 0, 40, prefix="other")
    with pytest.raises(UserError, match=r"not those of resnet50-0\.parquet"):
        build(tmp_path, make_params([0]))


def test_results_of_other_data_are_refused(tmp_path: Path) -> None:
    add_rest(tmp_path, make_params([0]))
    with pytest.raises(UserError, match=r"results on demo data, and params\.yaml says data\.kind is real"):
        build(tmp_path, make_params([0], "cpu", "real"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("arms.json", b"{"),
        ("quality.json", b"[1]"),
        ("samples/dcgan.npy", b"no array"),
        ("trials/resnet50.csv", b""),
        ("trials/resnet50.csv", b"number\n1\n"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    params = make_params([0])
    add_rest(tmp_path, params)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        build(tmp_path, params)
    assert caught.value.where.endswith(name)


def test_stale_selection_is_flagged(tmp_path: Path) -> None:
    add_run(tmp_path, "svm", 0, 40)
    path = tmp_path / "selection" / "svm-0.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"identity": "0" * 16}))
    assert "the selection on file is of another run" in build(tmp_path, make_params([0])).read_text(encoding="utf-8")
