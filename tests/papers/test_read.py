"""paper.yaml: what ships fits params.yaml, a study's own comes first, and what is wrong with one is named."""

import re
from pathlib import Path

import pytest

from ferlab.errors import UserError
from ferlab.papers import Paper, paper_of, read_paper, shipped
from ferlab.params import load
from ferlab.project import Project
from ferlab.yaml_file import read_yaml
from small import REPOSITORY

PARAMS = load(REPOSITORY / "params.yaml")
ROWS = "rows: [{model: A, percent: 60, arm: resnet50}, {model: B, percent: 64, arm: resnet50-dcgan}]\n"
CLAIM = "claims: [{{key: lifts, says: B lifts A, section: Table 1, pairs: {pairs}{more}}}]\n"


def written(folder: Path, text: str) -> Project:
    (folder / "paper.yaml").write_text(text, encoding="utf-8")
    return Project(folder)


def claim(pairs: str, more: str = "") -> str:
    return ROWS + CLAIM.format(pairs=pairs, more=more)


def test_the_paper_that_ships_speaks_of_what_params_yaml_defines() -> None:
    """Checked as a study's own is: every arm, family and classifier that it names."""
    paper = shipped()
    assert {arm for _, arm in paper.arms} <= PARAMS.arms.keys()
    assert {family for _, family in paper.families} <= PARAMS.gan.families.keys()
    named = {*paper.settings, *paper.networks, *paper.gans, *paper.purposes}
    assert named <= PARAMS.classifiers.keys() | PARAMS.gan.families.keys()


def test_a_studys_own_comes_first_and_may_be_empty(tmp_path: Path) -> None:
    assert paper_of(Project(tmp_path), PARAMS) is shipped()
    project = written(tmp_path, "# nothing is rebuilt\n")
    assert paper_of(project, PARAMS) == Paper()
    written(tmp_path, claim("[[resnet50-dcgan, resnet50]]"))
    (said,) = paper_of(project, PARAMS).claims
    assert said.pairs == [["resnet50-dcgan", "resnet50"]]


FIGURE = "figure: {caption: Faces, rows: [{name: G, family: wgn_gp, says: good}]}\n"
QUOTED = "neighbours: [{name: Tang, source: Tang 2013, arms: [l2svmm]}]\n"
UNDEFINED = "params.yaml defines no"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            claim("[[resnet50-dcgn, resnet50]]"),
            "claims.lifts: no row has the arm 'resnet50-dcgn'; did you mean resnet50",
        ),
        (claim("[[resnet50-dcgan, resnet50]]", ", row: vgg"), "claims.lifts: no row has the arm 'vgg'"),
        (
            claim("[[resnet50-dcgan, resnet50]]", ", primary: true"),
            "claims.lifts: a primary claim says which images it is about: add `added`",
        ),
        (claim("[[resnet50]]"), "claims.0.pairs.0: "),
        (claim("[[resnet50-dcgan, resnet50], [resnet50, resnet50]]", ", added: images"), "claims.lifts: a claim about"),
        (ROWS.replace("resnet50-dcgan", "resnet50"), "rows: 'resnet50' stands there twice"),
        (ROWS.replace("-dcgan", "-dcgn"), f"rows.1.arm: {UNDEFINED} arm 'resnet50-dcgn'; did you mean resnet50"),
        (ROWS.replace("60", "160"), "rows.0.percent: 160 is not allowed"),
        (ROWS.replace("60", ".nan"), "not plain YAML"),
        (ROWS.replace("model: A", "modell: A"), "rows.0.modell: unknown key (value 'A'); did you mean rows.0.model?"),
        (ROWS.replace("model: A, ", ""), "rows.0.model: missing key"),
        ("row: []\n", "row: unknown key (value []); did you mean rows?"),
        ("settings: {resnet50: {lr: 0.1}}\n", "settings.resnet50.lr: 0.1 is not allowed: input should be a valid str"),
        (FIGURE, f"figure.rows.0.family: {UNDEFINED} GAN family 'wgn_gp'; did you mean wgan_gp?"),
        (QUOTED, f"neighbours.0.arms: {UNDEFINED} arm 'l2svmm'; did you mean l2svm"),
        ("data_sets: {fer213: FER}\n", f"data_sets: {UNDEFINED} data set 'fer213'; did you mean fer2013?"),
        ("- a list\n", "is not allowed: "),
        ("rows: [\n", "not valid YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        paper_of(written(tmp_path, text), PARAMS)
    assert says in caught.value.what
    assert caught.value.where.startswith("paper.yaml")


def test_it_must_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "paper.yaml").mkdir()
    with pytest.raises(UserError, match=r"paper\.yaml"):
        read_paper(tmp_path / "paper.yaml")


def test_the_guides_example_is_one_and_its_table_has_every_key(tmp_path: Path) -> None:
    guide = (REPOSITORY / "docs" / "guide" / "own_study.md").read_text(encoding="utf-8")
    guide = guide[guide.index("## paper.yaml") :]
    (tmp_path / "paper.yaml").write_text(guide.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    assert read_paper(tmp_path / "paper.yaml").main_claim is not None
    named = [
        name for row in re.findall(r"^\| (`[^|]*) \|", guide, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]
    assert named == list(Paper.model_fields)


def test_a_change_of_a_paper_ages_the_report_alone() -> None:
    stages = read_yaml(REPOSITORY / "dvc.yaml")["stages"]
    assert [name for name in stages if "src/ferlab/papers" in stages[name].get("deps", ())] == ["report"]
