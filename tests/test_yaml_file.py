"""YAML that people edit: read, changed and written back with its comments."""

from pathlib import Path

import pytest

from ferlab.errors import UserError
from ferlab.yaml_file import dump_yaml, overlay, read_yaml

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
    with pytest.raises(UserError, match="not valid YAML") as caught:
        read_yaml(tmp_path / "bad.yaml")
    assert caught.value.where == "bad.yaml"


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.yaml doesn't exist") as caught:
        read_yaml(tmp_path / "absent.yaml")
    assert caught.value.where == str(tmp_path)
