"""settings: what the arms' plans are made of, in one small file: DVC reads and keeps it once, not once an arm."""

from ferlab.files import write_json
from ferlab.records.plan import PLAN_KEYS
from ferlab.stages.context import Context, Stage


def run(context: Context) -> None:
    write_json(context.out("settings"), {key: context.params.plain(key) for key in PLAN_KEYS})


STAGE = Stage(name="settings", run=run, keys=PLAN_KEYS, rooms=(), inputs={}, outs={"settings": "work/settings.json"})
