"""paper.yaml read and checked: against its schema, and a study's own also against params.yaml."""

import json
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from ferlab.errors import UserError
from ferlab.papers.schema import Paper
from ferlab.params import Params, Section
from ferlab.params.data import PAPERS_OWN
from ferlab.params.explain import explain
from ferlab.params.near import did_you_mean
from ferlab.project import Project
from ferlab.yaml_file import read_yaml

_SHIPPED = Path(__file__).with_name("yan2021.yaml")
_MEND = "correct it and start again"


def shipped() -> Paper:
    """The paper that comes with ferlab: Yan et al. 2021."""
    return read_paper(_SHIPPED)


def paper_of(project: Project, params: Params) -> Paper:
    """The project's own paper.yaml; where it has none, the paper that ships.

    Args:
        params: of the project as it is now. A report of earlier settings may lack an arm, which then hasn't been run.

    Raises:
        UserError: as `read_paper`; or it names data sets, arms or GAN families that params.yaml doesn't define.
    """
    if not project.paper.exists():
        return shipped()
    paper = read_paper(project.paper)
    sets = [("data_sets", name) for name in paper.data_sets]
    faults = [
        *_unknown(sets, (*PAPERS_OWN, *params.data.sets), "data set"),
        *_unknown(paper.arms, params.arms, "arm"),
        *_unknown(paper.families, params.gan.families, "GAN family"),
    ]
    if faults:
        raise UserError("\n".join(faults), where=project.paper.name, next_step=_MEND)
    return paper


def _unknown(named: Iterable[tuple[str, str]], known: Collection[str], what: str) -> list[str]:
    return [
        f"{where}: params.yaml defines no {what} '{name}'{did_you_mean(name, known)}"
        for where, name in named
        if name not in known
    ]


def read_paper(path: Path) -> Paper:
    """Read and check a file; an empty one is a study without a paper.

    Raises:
        UserError: each key that is unknown, missing or mistyped, and each claim whose row isn't there.
    """
    return _read(path, path.read_bytes() if path.is_file() else b"")


@lru_cache(maxsize=4)
def _read(path: Path, _: bytes) -> Paper:
    """As `read_paper`; equal bytes aren't parsed twice."""
    tree = read_yaml(path)
    try:
        # by way of JSON, in which lists may stand for tuples; in the file's order, which is the page's
        return Paper.model_validate_json(json.dumps({} if tree is None else tree, allow_nan=False), strict=True)
    except ValidationError as error:
        lines = [_explained(item) for item in error.errors(include_url=False)]
        raise UserError("\n".join(lines), where=path.name, next_step=_MEND) from None
    except (ValueError, TypeError) as error:
        what = f"a value is not plain YAML: {error}"
        raise UserError(what, where=path.name, next_step="use finite numbers") from None


def _explained(error: Mapping[str, Any]) -> str:
    *parent, _ = error["loc"] or ("",)
    fields = _section(Paper.model_fields[parent[0]].annotation).model_fields if parent else Paper.model_fields
    return explain(error, Paper, [".".join(map(str, (*parent, field))) for field in fields])


def _section(annotation: Any) -> type[Section]:
    """The model inside an annotation such as `list[Row]`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    found = [_section(one) for one in get_args(annotation)]
    return next((one for one in found if one is not Section), Section)
