"""The first figure: each arm against its network's reference, and where the paper's gain would put it."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from ferlab.params.migration import load_published
from ferlab.report.differences import difference
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album
from ferlab.report.render import build
from ferlab.report.sections import forest
from reports import ROOT, N, add_run, make_params, with_arms


def test_arms_stand_against_the_repeated_images_and_the_papers_gain_over_the_plain_arm(tmp_path: Path) -> None:
    params = make_params([0, 1, 2], "cpu", "real", whole_table=True)
    rights = {"resnet50": (40, 41, 43), "resnet50-dcgan": (46, 48, 47), "resnet50-oversampled": (42, 42, 45)}
    for arm, counts in rights.items():
        for seed, right in enumerate(counts):
            add_run(tmp_path, arm, seed, right)
    (group,) = forest.groups(Evidence(tmp_path, params))
    plain, images = group.lines
    assert (group.reference, plain.arm, images.arm) == ("resnet50-oversampled", "resnet50", "resnet50-dcgan")
    assert images.difference.mean == pytest.approx((46 + 48 + 47 - 42 - 42 - 45) / 3 / N)
    # the paper's 7.47 points start from the plain arm, which lies (124 - 129) / 3 images from the reference
    assert images.printed == pytest.approx(-5 / 3 / N + 0.0747)
    assert (plain.printed, plain.says, images.says) == (None, "alone", "with DCGAN's images")


def test_without_repeated_images_the_plain_arm_is_at_0_and_single_runs_have_no_interval(tmp_path: Path) -> None:
    params = make_params([0], "cpu", "real")
    for arm, right in {"resnet50": 40, "resnet50-dcgan": 45, "svm": 20}.items():
        add_run(tmp_path, arm, 0, right)
    (group,) = forest.groups(Evidence(tmp_path, params))
    (line,) = group.lines
    assert (group.reference, line.difference.varies) == ("resnet50", False)
    assert line.printed == pytest.approx(0.0747)
    html = build(tmp_path, params, draw=False).read_text(encoding="utf-8")
    assert "no other arm of the same network has run: a support vector machine on pixels." in html


def test_the_legend_shows_the_marks_that_are_drawn(tmp_path: Path) -> None:
    """Recorded: single runs were drawn hollow beside a legend of filled dots."""
    for arm, right in {"resnet50": 40, "resnet50-dcgan": 45}.items():
        add_run(tmp_path, arm, 0, right)
    figure = Figure(layout="constrained")
    forest.panel(forest.groups(Evidence(tmp_path, make_params([0]))))(figure)
    (legend,), (axes,) = figure.legends, figure.axes
    shown = {text.get_text(): line for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)}
    assert list(shown) == ["with a GAN's images", "one run: no interval"]
    (drawn,) = (line for line in axes.lines if line.get_marker() == "o")
    mark = shown["with a GAN's images"]
    assert (mark.get_color(), mark.get_markerfacecolor()) == (drawn.get_color(), drawn.get_markerfacecolor())


def test_drawn_faces_have_no_mark_of_the_papers(tmp_path: Path) -> None:
    for arm, right in {"resnet50": 40, "resnet50-dcgan": 45}.items():
        add_run(tmp_path, arm, 0, right)
    ((line,),) = (group.lines for group in forest.groups(Evidence(tmp_path, make_params([0]))))
    assert line.printed is None


def test_its_numbers_are_those_that_decide(tmp_path: Path) -> None:
    folder = ROOT / "reports" / "cpu"
    evidence = Evidence(folder, load_published(folder / "params.yaml"))
    numbers = forest.section(evidence, Album(tmp_path, draw=False)).numbers["resnet50-oversampled"]
    decides = difference(evidence, "resnet50-dcgan", "resnet50-oversampled")
    assert decides is not None
    assert numbers["resnet50-dcgan"]["low"] == pytest.approx(100 * decides.low, abs=1e-4)


def test_what_a_network_learns_is_held_against_the_majoritys_label(tmp_path: Path) -> None:
    """Recorded: arms that differ in `targets` alone stood under "no other arm of the same network has run"."""
    params = make_params([0, 1], "cpu", "real")
    network, arms = params.classifiers["resnet50"], {}
    for targets in ("votes", "drawn"):
        params.classifiers[targets] = network.model_copy(update={"targets": targets})
        arms[f"resnet50-{targets}"] = {"classifier": targets}
    params = with_arms(params, arms)
    for arm, counts in {"resnet50": (40, 42), "resnet50-votes": (45, 44), "resnet50-drawn": (41, 41)}.items():
        for seed, right in enumerate(counts):
            add_run(tmp_path, arm, seed, right)
    page = build(tmp_path, params, draw=False).read_text(encoding="utf-8")
    (group,) = forest.groups(Evidence(tmp_path, params))
    assert (group.reference, [line.arm for line in group.lines]) == ("resnet50", list(arms))
    assert [line.difference.mean * N for line in group.lines] == pytest.approx([3.5, 0])
    assert "the shares of the votes" in page
    assert "no other arm of the same network" not in page
