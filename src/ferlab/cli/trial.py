"""`ferlab trial`: what `ferlab tune --on` calls on a node."""

import json
from typing import Annotated

import typer


def trial(
    classifier: Annotated[str, typer.Argument(help="A row of params.yaml's classifiers.")],
    name: Annotated[str, typer.Argument(help="The trial's number.")],
    values: Annotated[str, typer.Argument(help="Its settings, as JSON.")],
) -> None:
    """Train one trial of a search, and print how far it is (use `ferlab tune --on`)."""
    from ferlab import params
    from ferlab.execution.signals import stop_on_signals
    from ferlab.project import Project
    from ferlab.stages import trial as stage
    from ferlab.stages import tune
    from ferlab.stages.context import Context

    project = Project.find()
    stop_on_signals()
    context = Context(project, tune.STAGE, {"classifier": classifier}, params.load(project.params), quiet=True)
    context.require_inputs()
    stage.run(context, name, json.loads(values))
