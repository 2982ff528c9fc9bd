"""The report rebuilt from small files: what it computes, what it says when something is missing, what it refuses."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix
from statsmodels.stats.proportion import proportion_confint

from ferlab.errors import UserError
from ferlab.evaluation import predictions
from ferlab.params import Params, check, load
from ferlab.report import formats, tables
from ferlab.report.evidence import Evidence
from ferlab.report.finding import reasons, sentences
from ferlab.report.render import build
from ferlab.report.rows import main_claim
from ferlab.yaml_file import read_yaml
from reports import PAPER, ROOT, N, add_rest, add_run, class_quality, make_params, quality_of

IMAGES = (
    "forest",
    "accuracy",
    "figure1",
    "samples",
    "confusion",
    "classes",
    "gains",
    "usefulness",
    "curves",
    "tuning",
    "data",
)


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
    add_run(folder, "resnet50-dcgan", 0, 45, notes={"<script>alert('x')</script>": True})
    add_run(folder, "svm", 0, 20)
    add_rest(folder, params)
    return folder, params, build(folder, params).read_text(encoding="utf-8")


def test_papers_numbers_are_the_papers() -> None:
    assert [row.percent for row in PAPER.rows] == [52.40, 54.92, 64.28, 66.37, 64.61, 71.75, 69.16]
    main = main_claim(make_params([0]), PAPER)
    assert main is not None
    assert [row.arm for row in main.pairs[0]] == ["resnet50-dcgan", "resnet50"]
    assert main.gains == (7.47,)
    assert PAPER.figure is not None
    assert [row.family for row in PAPER.figure.rows] == ["dcgan", "wgan_gp", "cgan"]
    assert PAPER.settings["wgan_gp"]["batch_size"] == "8"
    assert PAPER.settings["wgan_gp"]["epochs"] == "200"


def test_nothing_run_gives_seven_rows_that_say_so(tmp_path: Path) -> None:
    html = build(tmp_path, make_params([0])).read_text(encoding="utf-8")
    table = pd.read_csv(tmp_path / "table1.csv")
    assert list(table["arm"]) == [row.arm for row in PAPER.rows]
    assert list(table["status"]) == ["not run yet"] * 7
    assert table[["ours_percent", "low_percent", "high_percent", "difference_points"]].isna().all(axis=None)
    markdown = (tmp_path / "table1.md").read_text(encoding="utf-8")
    assert markdown.count("| not run yet |") == 7
    assert "Nothing has been run yet." in html
    assert all((tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in IMAGES)


def test_one_seed_has_wilsons_interval_in_closed_form(full: tuple[Path, Params, str]) -> None:
    folder, params, _ = full
    table = tables.table1(Evidence(folder, params)).set_index("arm")
    assert len(table) == 7
    row, p, z = table.loc["resnet50"], 40 / N, 1.959963984540054
    centre = (p + z**2 / (2 * N)) / (1 + z**2 / N)
    half = z / (1 + z**2 / N) * np.sqrt(p * (1 - p) / N + z**2 / (4 * N**2))
    assert row["ours_percent"] == pytest.approx(100 * p, abs=1e-5)
    assert row["low_percent"] == pytest.approx(100 * (centre - half), abs=1e-5)
    assert row["high_percent"] == pytest.approx(100 * (centre + half), abs=1e-5)
    real = tables.table1(Evidence(folder, make_params([0], "trial", "real"))).set_index("arm").loc["resnet50"]
    assert real["difference_points"] == pytest.approx(100 * p - 64.28, abs=1e-5)
    assert np.isnan(row["difference_points"])  # drawn faces: a difference to the paper would mean nothing
    assert (row["test_images"], row["added_images"], row["labels"]) == (N, 0, "drop_contempt")
    assert table.loc["resnet50-dcgan", "added_images"] == 600
    assert table.loc["vgg16", "status"] == "not run yet"


def test_three_seeds_have_students_interval(tmp_path: Path) -> None:
    params, right = make_params([0, 1, 2, 3]), [35, 42, 49]
    for seed, n in enumerate(right):
        add_run(tmp_path, "resnet50", seed, n)
    row = tables.table1(Evidence(tmp_path, params)).set_index("arm").loc["resnet50"]
    half = 4.302652729911275 * np.std(np.array(right) / N, ddof=1) / np.sqrt(3)  # t of 0.975 with 2 degrees of freedom
    assert row["ours_percent"] == pytest.approx(60.0, abs=1e-5)
    assert row["high_percent"] - row["ours_percent"] == pytest.approx(100 * half, abs=1e-5)
    assert (row["seeds"], row["seeds_missing"]) == ("0 1 2", "3")
    table = formats.table1_markdown(tables.table1(Evidence(tmp_path, params)), params, PAPER)
    assert "0, 1, 2 (3 not run yet)" in table


def test_controls_are_the_arms_that_the_paper_has_not(full: tuple[Path, Params, str]) -> None:
    folder, params, _ = full
    rows = tables.controls(Evidence(folder, params)).set_index("arm")
    assert list(rows.index) == ["resnet50-steps", "svm"]
    assert rows.loc["svm", "ours_percent"] == pytest.approx(100 * 20 / N, abs=1e-5)
    assert rows.loc["resnet50-steps", "status"] == "not run yet"


def test_the_summary_has_each_arm_that_has_run_and_each_claim(full: tuple[Path, Params, str]) -> None:
    folder, params, _ = full
    summary = json.loads((folder / "summary.json").read_text())
    right = {"resnet50": 40, "resnet50-dcgan": 45, "svm": 20}
    assert summary["accuracy"] == {arm: pytest.approx(n / N, abs=1e-6) for arm, n in right.items()}
    assert summary["macro_f1"].keys() == summary["accuracy"].keys()
    rows = tables.table1(Evidence(folder, params)).set_index("arm")
    assert 100 * summary["macro_f1"]["resnet50"] == pytest.approx(rows.loc["resnet50", "macro_f1_percent"], abs=1e-4)
    assert summary["claims"].keys() == {claim.key for claim in (*PAPER.claims, *PAPER.image_claims)}


def test_rebuild_is_byte_identical(full: tuple[Path, Params, str]) -> None:
    folder, params, _ = full
    texts = ["index.html", "numbers.json", "summary.json", "table1.csv", "table1.md", "table1.tex"]
    names = [*texts, *(f"{name}.png" for name in IMAGES)]
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
    # forest, accuracy, Figure 1, more samples; curves; tuning; classes; data. No gains: the faces are drawn
    assert len(images) == 4 + 2 + 1 + 1 + 2
    assert all((image["src"] or "").startswith("data:image/png;base64,") and image["alt"] for image in images)
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in page.tags if tag == "th")
    assert ("html", {"lang": "en"}) in page.tags
    anchors = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    assert anchors <= {f"#{attributes['id']}" for _, attributes in page.tags if "id" in attributes}


def test_quality_stands_beside_gain_only_where_families_differ(tmp_path: Path) -> None:
    """One family alone can't be compared, and a measure that is the same for all says nothing."""
    params = make_params([0], "cpu", "real", whole_table=True)
    quality_of(dcgan={"happy": class_quality(copies=3)}, wgan_gp={"happy": class_quality(copies=1)}).write(
        tmp_path / "quality.json"
    )
    add_run(tmp_path, "resnet50", 0, 40)
    add_run(tmp_path, "resnet50-dcgan", 0, 45)
    assert 'id="usefulness"' not in build(tmp_path, params, draw=False).read_text(encoding="utf-8")
    add_run(tmp_path, "resnet50-wgan_gp", 0, 44)
    html = build(tmp_path, params, draw=False).read_text(encoding="utf-8")
    said = html[html.index('id="usefulness"') : html.index('id="quality"')]
    assert re.findall(r"Gain of accuracy against (\w+)", said) == ["copies"]
    assert "Left out, because all families have the same value: cas, " in said


def test_the_confusion_matrices_of_the_page_are_those_of_the_predictions(full: tuple[Path, Params, str]) -> None:
    folder, params, html = full
    shown = re.findall(r'<table class="confusion">.*?</table>', html, flags=re.DOTALL)
    runs = Evidence(folder, params).runs
    assert len(shown) == len(runs) == 3
    for table, seeds in zip(shown, runs.values(), strict=True):
        cells = re.findall(r'<td style="--share:(\d+)%">(\d+)<span>(\d+)</span></td>', table)
        counts = sum(
            confusion_matrix(run.truth, run.probabilities.argmax(axis=1), labels=range(7)) for run in seeds.values()
        )
        assert [int(count) for *_, count in cells] == counts.ravel().tolist()
        percent = 100 * counts / counts.sum(axis=1, keepdims=True)
        assert [int(text) for _, text, _ in cells] == [int(f"{value:.0f}") for value in percent.ravel()]
        assert all(share == text for share, text, _ in cells)


def test_the_choice_of_tuning_stands_beside_the_papers_setting(full: tuple[Path, Params, str]) -> None:
    """The order on the part of the training split was not the order on the whole, and the page says so."""
    _, _, html = full
    rows = html[html.index('id="tuning"') : html.index('id="data"')].split("<tr>")
    cells = ["|".join(cell.split("<")[0] for cell in row.split(">") if cell.split("<")[0].strip()) for row in rows]
    assert cells[2] == "the paper’s|lr 0.0001|20.00%|–"  # noqa: RUF001 (as the page has it)
    assert cells[3] == "trial 0|batch_size 16, lr 0.01|40.00%|50.00%"
    assert cells[4].startswith("trial 2, chosen|batch_size 16, lr 0.02|30.00%|62.50%")
    assert cells[5].startswith("always the commonest class|–|14.29%|14.29%")  # noqa: RUF001
    assert "the order changed" in cells[5]


def test_a_new_classifier_is_named_by_its_own_row() -> None:
    """Whatever its method: no table knows methods."""
    values = make_params([0]).model_dump(mode="json")
    values["classifiers"] |= {"forest": values["classifiers"]["svm"], "deep": values["classifiers"]["resnet50"]}
    values["arms"]["forest"] = values["arms"]["svm"] | {"classifier": "forest"}
    values["arms"]["deep-dcgan"] = values["arms"]["resnet50-dcgan"] | {"classifier": "deep", "tuned": False}
    params = check(values, "params.yaml")
    assert tables.purpose("forest", params, PAPER) == "forest, real images only"
    assert tables.purpose("deep-dcgan", params, PAPER) == "deep, with dcgan images added"
    assert tables.purpose("svm", params, PAPER).startswith("the paper's first idea")
    assert len(set(PAPER.purposes.values())) == len(PAPER.purposes)  # each is told apart from the others


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        ("resnet50-steps", "as many training steps as resnet50-dcgan"),
        ("resnet50-oversampled", "as many images per class as resnet50-dcgan, FER-2013's own repeated"),
        ("resnet50-ckplus-repeated", "as many images per class as resnet50-dcgan, CK+'s real images repeated"),
        ("resnet50-dcgan-shuffled", "dcgan's images, their labels shuffled"),
        ("resnet50-noise", "FER-2013's own repeated, their pixels shuffled"),
    ],
)
@pytest.mark.parametrize("paced", [None, "resnet50"])
def test_a_control_says_what_it_is(arm: str, words: str, paced: str | None) -> None:
    """Also where every arm takes the steps of one."""
    tree = json.loads(json.dumps(read_yaml(ROOT / "params.yaml")))
    for row in tree["arms"].values():
        row["match_steps_of"] = row["match_steps_of"] or paced
    said = tables.purpose(arm, check(tree, "params.yaml"), PAPER)
    assert said.startswith("control: ")
    assert words in said


def test_without_pretrained_weights_the_papers_row_says_so_and_how_to_run_it(tmp_path: Path) -> None:
    """They are never replaced by drawn ones."""
    params = load(ROOT / "params.yaml")
    html = build(tmp_path, params).read_text(encoding="utf-8")
    status = pd.read_csv(tmp_path / "table1.csv").set_index("arm")["status"]
    says = "not run: no ImageNet weights; with them, add dfsvm to run.arms and type `dvc repro evaluate@dfsvm-0`"
    assert status["dfsvm"] == says
    assert set(status.drop("dfsvm")) == {"not run yet"}
    assert says in html
    assert says in (tmp_path / "table1.md").read_text(encoding="utf-8")


def test_notes_are_escaped(full: tuple[Path, Params, str]) -> None:
    _, _, html = full
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_page_flags_collapse_and_names_runs(full: tuple[Path, Params, str]) -> None:
    folder, _, html = full
    assert html.count("▲ collapsed") == 1
    assert predictions.read(folder / "predictions" / "svm-0.parquet").run in html
    assert '<td class="n">2</td><td class="n">20.0%</td>' in html  # test images of happy with a copy in train


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
    page = Page(build(tmp_path, params, draw=False).read_text(encoding="utf-8"))
    assert says in page.text
    assert any(attributes.get("class") == "banner" for _, attributes in page.tags) is banner
    assert says in (tmp_path / "table1.md").read_text(encoding="utf-8").splitlines()[0]


def test_sentences_are_made_from_the_numbers(full: tuple[Path, Params, str]) -> None:
    _, _, html = full
    assert (
        "The most accurate of our 3 arms so far is ResNET-50 with DCGAN&#39;s images: 64.29% of 70 test images" in html
    )
    # the paper's gain isn't set beside it
    assert "answer this question.</b> Measured: +7.14 with DCGAN&#39;s images. The paper" in html


def test_one_arm_is_not_the_highest_of_any(tmp_path: Path) -> None:
    params = make_params([0], "cpu", "real")
    add_run(tmp_path, "resnet50", 0, right=42)
    (first, _) = sentences(Evidence(tmp_path, params).runs, params, PAPER)
    assert first.startswith("Our only arm so far is ResNET-50 alone: 60.00% of 70 test images")
    assert "picked" not in first


def test_the_first_screen_says_what_a_gain_is_made_of(tmp_path: Path) -> None:
    """The control, the leak and the images; a control with fewer seeds says so, because parts then don't add up."""
    params = make_params([0, 1, 2], "cpu", "real")
    for arm, rights in {"resnet50": (40, 41, 43), "resnet50-dcgan": (46, 48, 47)}.items():
        for seed, right in enumerate(rights):
            add_run(tmp_path, arm, seed, right)
    assert "No control has been run" in " ".join(reasons(Evidence(tmp_path, params)))
    add_run(tmp_path, "resnet50-steps", 0, 44)
    pd.DataFrame(
        {"id": [f"t{i}" for i in range(70)], "copy_in_train": [i < 10 for i in range(70)], "near_copy_in_train": False}
    ).to_csv(tmp_path / "test_images.csv", index=False)
    classes = {"happy": class_quality(collapsed=True, copies=3), "fear": class_quality(copies=3)}
    quality_of(dcgan=classes).write(tmp_path / "quality.json")
    control, leak, images = reasons(Evidence(tmp_path, params))
    assert control.startswith("The gain of +8.10 (")  # (46 + 48 + 47 - 40 - 41 - 43) / 3 of 70
    assert " in 3 seeds, part by part: more steps +5.71 in 1 seed; " in control
    assert control.endswith("more images of any kind, CK+ itself and the GAN together +2.86 in 1 seed.")
    assert "10 of the 70 test images" in leak
    assert (
        "alone reaches 52.22% instead of 59.05%, and with DCGAN's images 61.67% instead of 67.14%, a gain of +9.44 ("
        in leak
    )
    assert images == (
        "In 1 of 2 expressions DCGAN's images nearly all look alike, judged by one GAN each and one threshold of "
        "diversity; 6 of 200 are copies of a CK+ frame."
    )
    assert leak in Page(build(tmp_path, params, draw=False).read_text(encoding="utf-8")).text


def test_runs_on_different_images_are_refused(tmp_path: Path) -> None:
    add_run(tmp_path, "resnet50", 0, 40)
    add_run(tmp_path, "svm", 0, 40, prefix="other")
    with pytest.raises(UserError, match=r"not those of resnet50-0\.parquet"):
        build(tmp_path, make_params([0]), draw=False)


def test_results_of_other_data_are_refused(tmp_path: Path) -> None:
    add_rest(tmp_path, make_params([0]))
    with pytest.raises(UserError, match=r"results on demo data, and params\.yaml says data\.kind is real"):
        build(tmp_path, make_params([0], "cpu", "real"), draw=False)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("arms/svm.json", b"{"),
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
        build(tmp_path, params, draw=False)
    assert caught.value.where.endswith(name)


def test_stale_selection_is_flagged(tmp_path: Path) -> None:
    add_run(tmp_path, "svm", 0, 40)
    path = tmp_path / "selection" / "svm-0.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"identity": "0" * 16}))
    assert "the selection on file belongs to another run" in build(tmp_path, make_params([0]), draw=False).read_text(
        encoding="utf-8"
    )


def test_seeds_that_do_not_vary_have_the_interval_of_one_run_over_images(tmp_path: Path) -> None:
    """Recorded: a support vector machine over three seeds had an interval of width zero."""
    for seed in range(3):
        add_run(tmp_path, "svm", seed, 20)
    evidence = Evidence(tmp_path, make_params([0, 1, 2]))
    (found,) = tables.controls(evidence).query("arm == 'svm'").to_dict("records")
    low, high = proportion_confint(20, N, method="wilson")
    assert (found["low_percent"], found["high_percent"]) == (pytest.approx(100 * low), pytest.approx(100 * high))
    assert found["interval"] == f"Wilson, 3 equal runs, n = {N}"
    assert formats.range_text(found).startswith("[")


def test_leaked_copies_are_counted_also_where_there_are_none(tmp_path: Path) -> None:
    params = make_params([0])
    add_run(tmp_path, "svm", 0, 20)
    for exact, near, said in (
        (0, 0, "<p>No test image has a copy in the training split."),
        (2, 3, f"<p>2 of the {N} test images have an exact copy in the training split, 3 more a near one. Only"),
    ):
        table = pd.DataFrame({"id": [f"t{i}" for i in range(N)], "copy_in_train": [i < exact for i in range(N)]})
        table["near_copy_in_train"] = [exact <= i < exact + near for i in range(N)]
        table.to_csv(tmp_path / "test_images.csv", index=False)
        assert said in build(tmp_path, params, draw=False).read_text(encoding="utf-8")
