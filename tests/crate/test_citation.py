"""CITATION.cff: ours, and how those of others are read."""

import tomllib
from pathlib import Path

import pytest

from ferlab.crate.citation import Citation, Work, read_citation
from ferlab.errors import UserError
from reports import ROOT

OTHERS = """\
cff-version: 1.2.0
message: cite it
title: Faces
version: "1.10"
license: Apache-2.0
date-released: 2026-05-04
authors:
  - {given-names: Ada, name-particle: de, family-names: Silva}
  - {name: A group}
"""


def test_ours_names_the_paper_that_it_rebuilds() -> None:
    found = read_citation(ROOT)
    assert (found.work.title, found.licence) == ("ferlab", "MIT")
    assert found.work.authors[0] in (ROOT / "LICENSE").read_text()
    (paper,) = found.references
    assert paper.title in (ROOT / "docs" / "paper.md").read_text().replace("\n", " ")
    assert (paper.authors, paper.year) == (("Yan", "Xiao", "Yuan", "Cai", "Chen"), 2021)


def test_persons_and_groups_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "CITATION.cff").write_text(OTHERS)
    assert read_citation(tmp_path) == Citation(
        Work("Faces", ("Ada de Silva", "A group"), 2026), (True, False), "1.10", "Apache-2.0", ()
    )


@pytest.mark.parametrize("key", ["title", "authors", "version", "license"])
def test_what_an_archive_must_know_is_asked_for(key: str, tmp_path: Path) -> None:
    (tmp_path / "CITATION.cff").write_text(OTHERS.replace(f"{key}:", f"x-{key}:"))
    with pytest.raises(UserError, match=f"must know:\n  {key} is missing\n  where"):
        read_citation(tmp_path)


WRONG = """\
title: Faces
authors: [{given-names: Ada}, nobody, {}]
date-released: soon
references: [{title: A}, {authors: [{name: B}], year: MMXX}, a paper]
"""


def test_all_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "CITATION.cff").write_text(WRONG)
    with pytest.raises(UserError) as caught:
        read_citation(tmp_path)
    nobody = "neither a person (family-names, given-names) nor a group (name)"
    assert [line.strip() for line in caught.value.what.splitlines()[1:]] == [
        "version is missing",
        "license is missing",
        f"authors.1: {nobody}",
        f"authors.2: {nobody}",
        "date-released: doesn't begin with a year",
        "references.0.authors is missing",
        "references.1.title is missing",
        "references.1.year: doesn't begin with a year",
        "references.2: not a work with title and authors",
    ]


@pytest.mark.parametrize(
    "text", ["- a list", "a word", "title: Faces\nauthors: nobody", "a: [", "", "title: A\nauthors: {a: b}"]
)
def test_what_is_no_citation_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "CITATION.cff").write_text(text)
    with pytest.raises(UserError):
        read_citation(tmp_path)


def test_it_is_of_the_version_that_the_package_has() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = read_citation(ROOT)
    assert (found.version, found.licence) == (package["version"], package["license"])
