"""What data/ holds, noted in params.yaml and tracked by DVC."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ferlab.params import Params
    from ferlab.project import Project


def there(project: "Project") -> dict[str, str]:
    """SHA-256 of the archives of the paper's own sets in data/, by dataset."""
    from ferlab.datasets.containers import DATASETS
    from ferlab.files import sha256_file

    paths = {dataset: project.data / f"{dataset}.zip" for dataset in DATASETS}
    return {dataset: sha256_file(path) for dataset, path in paths.items() if path.is_file()}


def changed(project: "Project", changes: dict[str, Any], where: str = "params.yaml") -> tuple[str, "Params"]:
    """The text of params.yaml with what data/ is to hold, and what it says then.

    Args:
        where: what the changes come from, for errors.

    Raises:
        UserError: it isn't valid so.
    """
    from ferlab import params
    from ferlab.yaml_file import dump_yaml, overlay, read_yaml

    tree = read_yaml(project.params)
    overlay(tree, changes, ("data.sets",))
    return dump_yaml(tree), params.check(tree, where)


def track(project: "Project", text: str, settings: "Params") -> None:
    """Write params.yaml, which says what data/ holds by now, and let DVC track data/."""
    import subprocess
    import sys

    from ferlab.errors import UserError
    from ferlab.files import write_text
    from ferlab.params.data import PAPERS_OWN

    if project.params.read_text(encoding="utf-8") != text:
        write_text(project.params, text)
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "add", "--quiet", "data"],
        cwd=project.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise UserError(
            f"data/ is in place, but DVC could not track it: {done.stderr.strip()}",
            where=str(project.root),
            next_step="fix that and type: dvc add data",
        )
    kind = settings.data.kind
    other = kind == "real" and settings.data.allow_demo and settings.data.train in PAPERS_OWN
    first = f"the budget is still {settings.budget}, made for drawn faces: first `ferlab budget use trial`, then "
    typer.echo(f"data/ holds {kind} faces, tracked by data.dvc")
    typer.echo(f"{first if other else ''}`dvc repro` rebuilds what depends on them")
