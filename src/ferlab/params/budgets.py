"""Budgets: overlays of params.yaml in budgets/, one file each."""

from pathlib import Path
from typing import Any

from ferlab.errors import UserError
from ferlab.files import write_text
from ferlab.params.near import did_you_mean
from ferlab.params.schema import Params, check
from ferlab.yaml_file import dump_yaml, overlay, read_value, read_yaml

WHOLE = ("run.arms", "tune.pruner")
"""A budget runs the arms that it names and no others, and a pruner has the keys of its kind alone."""
OWN = ("run.families", "run.tuned", "run.arms")
"""Keys whose names may be of the user's own."""


def read_budget(root: Path, name: str) -> Any:
    """The overlay `budgets/<name>.yaml` of the project at `root`.

    Raises:
        UserError: there is none of this name, or it holds no keys.
    """
    known = {path.stem: path for path in sorted((root / "budgets").glob("*.yaml"))}
    if name not in known:
        raise UserError(
            f"there is no budget '{name}'",
            where="budgets/",
            next_step=f"the budgets are {', '.join(known)}{did_you_mean(name, known)}",
        )
    values = read_yaml(known[name])
    if not isinstance(values, dict):
        raise UserError(f"budgets/{name}.yaml holds no keys", where="budgets/")
    return values


def with_budget(root: Path, name: str) -> tuple[str, Params]:
    """The text of the project's params.yaml with a budget laid on it, comments kept, and what it says.

    Raises:
        UserError: as `read_budget`, or params.yaml isn't valid with the budget or without.
    """
    path = root / "params.yaml"
    tree = read_yaml(path)
    if not isinstance(tree, dict):
        check(tree, path.name)
    overlay(tree, read_budget(root, name), WHOLE)
    text, where = dump_yaml(tree), f"params.yaml with budgets/{name}.yaml laid on it"
    # read anew, since a row that takes over another's values (`<<: *name`) doesn't follow a change in the tree
    return text, check(read_value(text, where), where)


def left_out(root: Path, before: Params, laid: Params) -> list[str]:
    """What a budget has taken out of `run` that no budget knows, such as a family of the user's own: a sentence each.

    What some budget names goes and comes with the budgets.
    """
    gone = {key: [name for name in before.plain(key) if name not in laid.plain(key)] for key in OWN}
    if not any(gone.values()):
        return []
    files = [read_yaml(path) for path in sorted((root / "budgets").glob("*.yaml"))]
    runs = [one["run"] for one in files if isinstance(one, dict) and isinstance(one.get("run"), dict)]
    found = []
    for key, names in gone.items():
        named = {name for run in runs for name in run.get(key.removeprefix("run."), ())}
        if own := [name for name in names if name not in named]:
            found.append(
                f"{key} no longer names {', '.join(own)}, as no budget does; to run it, add it there and, to keep it, "
                f"in budgets/{laid.budget}.yaml too"
            )
    return found


def lay_budget(root: Path, name: str) -> Params:
    """Lay a budget on the project's params.yaml, whose comments stay; returns what params.yaml says then.

    Raises:
        UserError: as `with_budget`; params.yaml is then left as it was.
    """
    text, laid = with_budget(root, name)
    write_text(root / "params.yaml", text)
    return laid
