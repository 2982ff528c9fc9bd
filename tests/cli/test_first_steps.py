"""What a newcomer meets first: said at once, with what to type next."""

import shutil
from importlib.metadata import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ferlab.bundle.sizes import of_commit, of_data, of_packages
from ferlab.cli import main
from ferlab.cli.ready import data_must_be_here
from ferlab.errors import UserError
from ferlab.project import Project
from ferlab.yaml_file import dump_yaml, read_yaml
from temporary import TemporaryProject


def ferlab(project: TemporaryProject, monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(main, "_check_code", lambda _: None)  # this process has the repository's, not the copy's
    result = CliRunner().invoke(main.app, words, catch_exceptions=True)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_nothing_starts_in_a_clone_without_faces(fresh: TemporaryProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever command is typed first; DVC's own word for it is "No such file or directory"."""
    shutil.rmtree(fresh.root / "data")
    before = fresh.dirt()
    for words in (["reproduce"], ["reproduce", "--budget", "trial"], ["train", "svm"], ["tune", "resnet50"]):
        with pytest.raises(UserError, match="data/ is empty") as caught:
            ferlab(fresh, monkeypatch, *words)
        assert "`ferlab data demo`" in caught.value.next_step
    assert fresh.dirt() == before
    assert not (fresh.root / ".ferlab" / "logs").exists()


@pytest.mark.parametrize(
    ("kind", "remote", "ways"),
    [
        ("demo", "", ["`ferlab data demo`", "`ferlab data add "]),
        ("real", "", ["`ferlab data add "]),
        ("real", "config", ["`dvc pull data.dvc`", "`ferlab data add "]),
        ("demo", "config.local", ["`dvc pull data.dvc`", "`ferlab data demo`", "`ferlab data add "]),
    ],
)
@pytest.mark.parametrize("is_there", [False, True], ids=["absent", "empty"])
def test_the_ways_to_faces_fit_the_project(
    kind: str, remote: str, ways: list[str], is_there: bool, tmp_path: Path
) -> None:
    text = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
    assert text.count("kind: demo") == 1
    (tmp_path / "params.yaml").write_text(text.replace("kind: demo", f"kind: {kind}"))
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    analytics = false\n")
    if remote:
        (tmp_path / ".dvc" / remote).write_text("['remote \"storage\"']\n    url = s3://bucket\n")
    if is_there:
        (tmp_path / "data").mkdir()
    with pytest.raises(UserError) as caught:
        data_must_be_here(Project(tmp_path))
    said = caught.value.next_step
    assert [said.index(way) for way in ways] == sorted(said.index(way) for way in ways)
    assert said.count(";") == len(ways) - 1


def test_a_study_of_other_sets_is_not_sent_for_fer2013(tmp_path: Path) -> None:
    tree = read_yaml(Path(__file__).parents[2] / "params.yaml")
    own = {"form": "folder", "sha256": "0" * 64, "classes": ["calm", "cross"]}
    tree["data"].update({"kind": "real", "sets": {"moods": own}, "train": "moods", "gans": "moods"})
    (tmp_path / "params.yaml").write_text(dump_yaml(tree))
    with pytest.raises(UserError) as caught:
        data_must_be_here(Project(tmp_path))
    assert "--as FORM` takes your moods (" in caught.value.next_step
    assert "fer2013" not in caught.value.next_step


def test_a_training_that_waits_for_a_search_says_what_it_costs(
    fresh: TemporaryProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (["train", "resnet50-dcgan"], ["ablate", "--arm", "resnet50-dcgan", "--grid", "epochs=1,2"]):
        with pytest.raises(UserError, match="a search that hasn't been made") as caught:
            ferlab(fresh, monkeypatch, *words)
        assert "`dvc repro tune@resnet50` makes it, in about " in caught.value.next_step
        assert "`--set tuned=false`" in caught.value.next_step


def test_archives_that_are_there_are_not_copied_again(fresh: TemporaryProject, monkeypatch: pytest.MonkeyPatch) -> None:
    archives = [fresh.root / "data" / f"{name}.zip" for name in ("fer2013", "ckplus")]
    before = [path.stat().st_ino for path in archives]
    given = [str(shutil.copy(path, fresh.root.parent / path.name)) for path in archives]
    said = ferlab(fresh, monkeypatch, "data", "add", "--allow-partial", *given)
    assert "data/ holds these very archives already" in said
    assert [path.stat().st_ino for path in archives] == before
    assert fresh.params.data.kind == "real"


def test_the_size_of_what_a_node_gets_is_known_before(untouched: TemporaryProject) -> None:
    project = Project(untouched.root)
    tracked = untouched.run("git", "ls-files").splitlines()
    assert of_commit(project) == sum((untouched.root / name).stat().st_size for name in tracked)
    assert of_data(project) == sum(path.stat().st_size for path in (untouched.root / "data").iterdir())
    here = [Path(str(path.locate())) for path in files("tabulate") or () if path.size]
    assert of_packages(["tabulate", "not-installed"]) == (sum(path.stat().st_size for path in here), 1)
