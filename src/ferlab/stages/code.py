"""code: a hash of each classifier's own code, so that an edit of one method ages no other's trainings."""

from ferlab.classifiers.catalogue import METHODS
from ferlab.code.closure import closure_hash
from ferlab.files import atomic_folder
from ferlab.records.plan import MethodCode
from ferlab.stages.context import Context, Stage


def run(context: Context) -> None:
    with atomic_folder(context.out("code")) as folder:
        for name, settings in context.section("classifiers").items():
            code = closure_hash(METHODS[settings.method].path)
            MethodCode(method=settings.method, sha256=code).write(folder / f"{name}.json")


STAGE = Stage(
    name="code",
    run=run,
    keys=("classifiers",),
    rooms=("data", "training", "classifiers", "code/closure.py"),
    inputs={},
    outs={"code": "work/code"},
)
