"""`ferlab`: the entry point, and what happens to errors."""

import os
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ferlab.cli import (
    ablate,
    budget,
    bundle,
    code,
    collapse,
    compare,
    crate,
    data,
    doctor,
    ensemble,
    init,
    pack,
    power,
    predict,
    register,
    report,
    reproduce,
    stage,
    trace,
    trial,
    tune,
    ui,
    verify,
)
from ferlab.errors import UserError
from ferlab.execution import lifeline
from ferlab.files import disk_error

INTERRUPTED = 128 + 2  # what shells make of SIGINT

READ_ONLY = {"compare", "crate", "doctor", "ensemble", "power", "trace", "ui", "verify"}
"""Commands that no other code can harm: they say whose runs, and go on. All others refuse to run another's."""


class Plain(TyperGroup):
    """Commands whose refusals of options are without the kind of error that typer's checker puts before them."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    name="ferlab",
    cls=Plain,
    help="Rebuild a paper on facial expression recognition, question it, and trust the answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(data.app, name="data")
app.add_typer(budget.app, name="budget")
app.command()(ablate.ablate)
app.command()(ablate.train)
app.command()(collapse.collapse)
app.command()(reproduce.reproduce)
app.command()(report.report)
app.command()(verify.verify)
app.command()(verify.seal)
app.command()(trace.trace)
app.command()(crate.crate)
app.command()(compare.compare)
app.command()(ensemble.ensemble)
app.command()(power.power)
app.command()(doctor.doctor)
app.command()(tune.tune)
app.command()(ui.ui)
app.command()(predict.predict)
app.command()(register.register)
app.command()(init.init)
app.command()(bundle.bundle)
app.command()(bundle.bring)
app.command(hidden=True)(stage.stage)
app.command(hidden=True)(pack.pack)
app.command(hidden=True)(trial.trial)
app.command(hidden=True)(code.code)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ferlab {version('ferlab')}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")] = False,
    _: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False,
) -> None:
    context.obj = {"quiet": quiet}
    _check_code(context.invoked_subcommand or "")
    _choose_instructions()
    _tell_what_waits()


def _check_code(command: str) -> None:
    """Refuse to work on a project with another one's code. Outside a project, the command itself says so."""
    from ferlab.code.check import check, fault
    from ferlab.project import Project

    try:
        project = Project.find()
    except UserError:
        return
    if command in READ_ONLY or "--help" in sys.argv:
        if command != "doctor" and (found := fault(project)):  # it says so among what is to mend
            print(f"warning: {found}", file=sys.stderr)
    elif "--dry-run" in sys.argv:  # as check, but nothing is written
        if found := fault(project):
            raise found
    elif command not in ("code", "stage"):  # which do their own checks
        check(project)


def _choose_instructions() -> None:
    """Before any command imports NumPy or torch. A params.yaml that can't be read is the command's own to report."""
    from ferlab import params
    from ferlab.project import Project
    from ferlab.training.instructions import limit

    try:
        limit(params.load(Project.find().params).compute.instructions)
    except UserError:
        limit("avx2")


def _where_dvc_is_typed(error: UserError) -> str:
    """Below the root, where ferlab works and DVC doesn't: where a command of DVC that an error names is typed."""
    from ferlab.project import Project

    try:
        root = Project.find().root
    except UserError:
        return ""
    return f"\n  dvc is typed in {root}" if "`dvc " in str(error) and root != Path.cwd() else ""


def _tell_what_waits() -> None:
    """Tell a tracking server what it missed while it was away."""
    from ferlab.project import Project

    try:
        project = Project.find()
    except UserError:
        return
    if "--help" not in sys.argv and (project.state / "outbox").is_dir():
        from ferlab.adapters.telling import tell  # late: it loads MLflow

        tell(project)


def _refuse_empty(words: Sequence[str]) -> None:
    """An empty word is mostly a shell's variable that isn't set; as a path it would mean the working directory."""
    if "" in words:
        raise UserError(
            "a word of this command is empty",
            where=shlex.join(["ferlab", *words]),
            next_step="give it a value; is a variable of your shell unset?",
        )


def main() -> None:
    """Run the command line. What a user can mend ends with one message and exit code 2."""
    lifeline.follow()
    # threads that spin while they wait take the cores from whatever else runs; read when torch is first imported
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        _refuse_empty(sys.argv[1:])
        app()
    except UserError as error:
        print(f"error: {error}{_where_dvc_is_typed(error)}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        told = disk_error(error, Path(os.fsdecode(error.filename))) if isinstance(error.filename, str | bytes) else None
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # as typer ends after Ctrl-C
            print("stopped; the same command continues", file=sys.stderr)
        raise
