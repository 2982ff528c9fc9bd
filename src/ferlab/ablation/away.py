"""A question's tasks on other machines: what they need to travel with them, and where what they made goes."""

from collections.abc import Mapping
from pathlib import Path

from ferlab.ablation.plan import Planned, find_answer, pipeline_run, place_of
from ferlab.ablation.variant import Variant
from ferlab.code.commit import read_commit
from ferlab.execution.locks import exclusive
from ferlab.execution.task import Task
from ferlab.files import replace_folder
from ferlab.project import Project
from ferlab.records import answer as answers
from ferlab.records.answer import Answer

ANSWERS = ".ferlab/ablation/answers"


def back() -> tuple[str, ...]:
    """What comes back of each task, beside its outs."""
    from ferlab.adapters.adopt import ARTIFACTS, DATABASE

    return DATABASE, ARTIFACTS, ANSWERS


def inputs_of(one: Planned, project: Project) -> tuple[Path, ...]:
    """What a point reads: the splits, the images that it adds, and what names those."""
    work, row = project.work, one.params.arms[one.point.arm]
    found = [work / "prepared" / "train", work / "prepared" / "valid"]
    source = one.source
    if isinstance(source, Variant):
        found.append(source.out)
        while isinstance(source, Variant):
            source = source.source
    maybe = [work / "audit" / "images.parquet", work / "tuned" / f"{row.classifier}.json"]
    if one.state == "pipeline":
        maybe.append(pipeline_run(project, one.point))
    return (*found, source, *(path for path in maybe if path.exists()))


def inputs_of_variant(variant: Variant) -> tuple[Path, ...]:
    """What the stage that makes a variant reads: its own small project, and through its links the checkout's files."""
    root = variant.root
    below = "sources/ckplus" if variant.stage == "gan" else f"gan/{variant.family}/{variant.draw}"
    return root.params, root.root / "dvc.yaml", root.work / below


class Taking:
    """Puts what came back from another machine into its place, each thing once: MLflow's runs, answers, variants."""

    def __init__(self, project: Project) -> None:
        self.project, commit = project, read_commit(project)
        self.code: Mapping[str, str] = {"commit": commit.commit, "dirty": commit.dirty}

    def __call__(self, task: Task, sent: Path) -> None:
        from ferlab.adapters.adopt import DATABASE, adopt

        ids = adopt(self.project, sent, self.code) if (sent / DATABASE).is_file() else {}
        for folder in sorted((sent / ANSWERS).glob("*")):
            self._keep(folder, ids)
        for out in task.outs:
            arrived = sent / out.relative_to(self.project.home)
            if arrived.exists():
                with exclusive(self.project, f"out-{out.parts[-1]}-{task.name}", patience=-1):
                    if not out.exists():
                        out.parent.mkdir(parents=True, exist_ok=True)
                        replace_folder(arrived, out)

    def _keep(self, folder: Path, ids: Mapping[str, str]) -> None:
        """Keep an answer that names its run as it is known here."""
        answer = Answer.read(folder / answers.FILE)
        with exclusive(self.project, f"answer-{answer.identity}", patience=-1):
            if find_answer(self.project, answer.identity) is None:
                run = ids.get(answer.mlflow_run or "")  # none yet where the tracking store is away
                answer.model_copy(update={"mlflow_run": run}).write(folder / answers.FILE)
                place = place_of(self.project, answer.identity)
                place.parent.mkdir(parents=True, exist_ok=True)
                replace_folder(folder, place)
