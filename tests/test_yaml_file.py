"""YAML that people edit: read, changed and written back with its comments."""

from pathlib import Path

import pytest

from ferlab.errors import UserError
from ferlab.yaml_file import dump_yaml, overlay, read_value, read_yaml

TEXT = """\
# head
a: 1 # one
rate: 1.0e-3 # a rate
list: [1, 2] # two
deep:
  # before x
  x: 5e-4
  y: text # why
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "some.yaml").write_text(TEXT)
    return tmp_path / "some.yaml"


def test_text_survives_a_round_trip(path: Path) -> None:
    assert dump_yaml(read_yaml(path)) == TEXT


def test_values(path: Path) -> None:
    tree = read_yaml(path)
    assert tree == {"a": 1, "rate": 0.001, "list": [1, 2], "deep": {"x": 0.0005, "y": "text"}}
    assert isinstance(tree["deep"]["x"], float)


def test_overlay_merges_mappings_replaces_the_rest_and_keeps_comments(path: Path) -> None:
    tree = read_yaml(path)
    overlay(tree, {"list": [3], "deep": {"y": "new", "z": 1}, "a": {"now": "a mapping"}})
    assert tree == {
        "a": {"now": "a mapping"},
        "rate": 0.001,
        "list": [3],
        "deep": {"x": 0.0005, "y": "new", "z": 1},
    }
    for comment in ("# head", "# a rate", "# two", "# before x", "# why"):
        assert comment in dump_yaml(tree)


def test_overlay_lays_a_mapping_over_a_value_and_a_value_over_a_mapping() -> None:
    tree = {"a": {"b": 1}, "c": 2}
    overlay(tree, {"a": None, "c": {"d": 3}})
    assert tree == {"a": None, "c": {"d": 3}}


@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\nb: [1, 2\n", 3), ("a: 1\n\tb: 2\n", 2), ("a: 1\nb: 2\na: 3\n", 3), ("x: 1: 2\n", 1)]
)
def test_the_line_of_a_mistake_is_named(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(UserError, match="not valid YAML") as caught:
        read_yaml(tmp_path / "bad.yaml")
    assert caught.value.where.startswith(f"bad.yaml, line {line}, column ")


def test_not_text(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(b"a: \xff\xfe\n")
    with pytest.raises(UserError, match="isn't written in UTF-8") as caught:
        read_yaml(tmp_path / "bad.yaml")
    assert caught.value.where == "bad.yaml, byte 4"


@pytest.mark.parametrize("first", ["<<<<<<< HEAD\n", "a: 1\nb:\n<<<<<<< Updated upstream\n"])
def test_marks_of_a_merge_are_called_so(tmp_path: Path, first: str) -> None:
    (tmp_path / "params.yaml").write_text(f"{first}budget: demo\n=======\nbudget: cpu\n>>>>>>> other\n")
    with pytest.raises(UserError, match="holds a merge conflict of git") as caught:
        read_yaml(tmp_path / "params.yaml")
    assert caught.value.where == f"params.yaml, line {len(first.splitlines())}"
    assert "git checkout --ours params.yaml" in caught.value.next_step


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.yaml doesn't exist") as caught:
        read_yaml(tmp_path / "absent.yaml")
    assert caught.value.where == str(tmp_path)


def aliases(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    return "\n".join(lines + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)])


MERGES = "\n".join(
    ["m0: &m0 {k: v}", *(f"m{i}: &m{i} {{<<: *m{i - 1}, x: *m{i - 1}, y: *m{i - 1}}}" for i in range(1, 25))]
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (aliases(7), "more than 100,000 values"),
        (MERGES, "more than 100,000 values"),
        ("a: " + "[" * 5000 + "]" * 5000, "levels in each other"),
        ("a: " + "{a: " * 60 + "}" * 60, "levels in each other"),
        ("a:\n" + "- " * 3000 + "x", "levels in each other"),
        ("\n".join(" " * i + "a:" for i in range(500)), "levels in each other"),
        ("a: &a [1, *a]", "stands inside what it names"),
        ("a: &a {b: {c: *a}}", "stands inside what it names"),
        ("# " + "x" * 2**18, "more than 262,144 characters"),
        ("a: 2020-99-99", "not valid YAML"),
        ("a: *nobody", "not valid YAML"),
        ("? [a, b]\n: *c", "not valid YAML"),
        ("a: !!python/object/apply:os.system [x]", None),
    ],
)
def test_what_would_grow_without_end_is_refused_before_it_does(tmp_path: Path, text: str, said: str | None) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    if said is None:
        assert read_yaml(tmp_path / "bad.yaml")["a"] == ["x"]  # a tag is kept as a word, and runs nothing
        return
    with pytest.raises(UserError, match=said) as caught:
        read_yaml(tmp_path / "bad.yaml")
    assert caught.value.where.startswith("bad.yaml")
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("text", [aliases(7), "[" * 5000, "&a [*a]"])
def test_values_are_bounded_too(text: str) -> None:
    with pytest.raises(UserError) as caught:
        read_value(text, "--set")
    assert caught.value.where.startswith("--set")


def test_aliases_and_depth_of_a_usual_file(tmp_path: Path) -> None:
    text = "a: &a {x: 1, y: [1, 2]}\nb: {<<: *a, z: 3}\nc: " + "[" * 40 + "]" * 40 + "\n" + aliases(3)
    (tmp_path / "some.yaml").write_text(text)
    assert read_yaml(tmp_path / "some.yaml")["b"]["x"] == 1


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder, not a file"):
        read_yaml(tmp_path)
