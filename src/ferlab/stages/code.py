"""code: which code and which settings the arms are made of.

A hash a classifier, so that an edit of one method's code ages no other's trainings. And all settings in one small file,
so that DVC reads and keeps them once, not once an arm.
"""

from ferlab.classifiers.catalogue import METHODS
from ferlab.code.closure import closure_hash
from ferlab.files import atomic_folder, write_json
from ferlab.records.plan import PLAN_KEYS, MethodCode
from ferlab.stages.context import Context, Stage


def run(context: Context) -> None:
    with atomic_folder(context.out("code")) as folder:
        for name, settings in context.section("classifiers").items():
            code = closure_hash(f"ferlab.classifiers.{METHODS[settings.method].module}")
            MethodCode(method=settings.method, sha256=code).write(folder / f"{name}.json")
    write_json(context.out("settings"), {key: context.params.plain(key) for key in PLAN_KEYS})


STAGE = Stage(
    name="code",
    run=run,
    keys=PLAN_KEYS,
    rooms=("data", "training", "classifiers", "code/closure.py"),
    inputs={},
    outs={"code": "work/code", "settings": "work/settings.json"},
)
