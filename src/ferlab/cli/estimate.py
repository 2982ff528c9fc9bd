"""What a budget's pipeline will cost on this machine, in words."""

from collections import defaultdict
from typing import TYPE_CHECKING

from ferlab.cli.progress import duration
from ferlab.execution.cost import Cost, costs, of_budget
from ferlab.execution.forecast import makespan

if TYPE_CHECKING:
    from ferlab.execution.task import Words
    from ferlab.params import Params
    from ferlab.project import Project

BY_SIZE = "by size, for a CPU: nothing like it has finished here yet"


def whole(project: "Project", params: "Params") -> str:
    """Of all of a budget's stages, if none has run yet."""
    cost = of_budget(project, params)
    how = "by the pace of finished runs" if cost.is_measured else f"some of it {BY_SIZE}"
    return (
        f"all of the {params.budget} budget takes about {duration(cost.seconds)} here, one stage at a time\n  ({how})"
    )


def due(project: "Project", params: "Params", jobs: int) -> str:
    """Of what is due by params.yaml as it is: a line a kind of stage, and all of it.

    Raises:
        UserError: DVC can't say what is due.
    """
    from ferlab.execution.dvc import due_tasks

    cost, kinds = costs(project, params), defaultdict[str, list[Cost]](list)

    def seconds(words: "Words") -> float:
        kinds[words[2]].append(one := cost(words))
        return one.seconds

    found = due_tasks(project, seconds, lambda *_: {}, params.compute.threads)
    if not found.tasks:
        return f"{params.budget}: nothing is due"
    lines = [f"{params.budget}: {found.stages} stages are due at most; what DVC's cache holds takes seconds"]
    for kind, some in kinds.items():
        one = sum(some, Cost(0.0))
        lines.append(
            f"  {kind:<11}{len(some):3}  about {duration(one.seconds)}" + ("" if one.is_measured else f" ({BY_SIZE})")
        )
    together = f"; with --jobs {jobs} about {duration(makespan(found.tasks, jobs))}" if jobs > 1 else ""
    return "\n".join([*lines, f"about {duration(makespan(found.tasks, 1))} one stage at a time{together}"])
