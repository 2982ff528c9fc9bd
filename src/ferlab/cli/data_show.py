"""`ferlab data show`: what data/ holds."""

import json
from typing import Annotated, Any

import typer


def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show what data/ holds and whether it is what params.yaml names.

    Exit code 1 if an archive is missing, or another than params.yaml names.
    """
    from ferlab import params
    from ferlab.cli.ready import BRING_BACK
    from ferlab.data.colour import NAMES
    from ferlab.datasets.containers import DATASETS
    from ferlab.files import recover, sha256_file
    from ferlab.project import Project

    project = Project.find()
    recover(project.data)
    settings = params.load(project.params).data
    facts: dict[str, Any] = {"kind": settings.kind, "side": settings.side, "channels": settings.channels}
    named_here = [dataset for dataset in (*DATASETS, *settings.sets) if settings.sha256(dataset)]
    for dataset in named_here:
        path, named = project.data / f"{dataset}.zip", settings.sha256(dataset)
        sha = sha256_file(path) if path.is_file() else None
        size = path.stat().st_size if sha else None
        facts[dataset] = {"sha256": sha, "bytes": size, "named": named, "as_named": sha == named}
    unlike = [dataset for dataset in named_here if not facts[dataset]["as_named"]]
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        raise typer.Exit(1 if unlike else 0)
    typer.echo(f"{settings.kind} faces: classifiers learn from {settings.train}, GANs from {settings.gans}")
    typer.echo(f"  all become {NAMES[settings.channels]} images of {settings.side}x{settings.side} pixels")
    for dataset in named_here:
        fact = facts[dataset]
        if fact["sha256"] is None:
            typer.echo(f"  data/{dataset}.zip: missing")
        else:
            other = f"NOT the file that params.yaml names ({fact['named']})"
            verdict = "as params.yaml names it" if fact["as_named"] else other
            typer.echo(f"  data/{dataset}.zip: {fact['bytes']:,} bytes, {fact['sha256']}, {verdict}")
    if unlike:
        typer.echo(BRING_BACK, err=True)
        raise typer.Exit(1)
