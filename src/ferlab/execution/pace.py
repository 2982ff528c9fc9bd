"""How long trainings took, from the tracking store's finished ones: of this machine's own, or of all that a server has.

A file is read with plain SQL, a server is asked as its REST API says: MLflow's own client costs two seconds of imports.
"""

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from ferlab.project import Project
from ferlab.training.identity import flatten

DECIDES_A_STEP = (
    "method", "network", "width", "stem", "input_size", "batch_size", "compile", "members", "kind", "kernel", "filters",
    "base_channels", "critic_steps", "penalty", "threads",
)  # fmt: skip
"""Settings that decide what a step costs, wherever they stand."""
SECONDS = "ferlab.seconds"  # the tag that tells how long processes have worked on a run
LATEST = 1000  # runs
EXPERIMENTS = ("classifiers", "gans")  # on a server, which others use too
PATIENCE = 3.0  # seconds that a server has to answer: an estimate isn't worth more

_RUNS = f"""
    SELECT r.run_uuid FROM runs r WHERE r.status = 'FINISHED' AND r.lifecycle_stage = 'active'
    ORDER BY r.start_time DESC LIMIT {LATEST}
"""
_FACTS = f"""
    SELECT run_uuid, key, value FROM params WHERE run_uuid IN ({_RUNS})
    UNION ALL SELECT run_uuid, key, value FROM tags WHERE run_uuid IN ({_RUNS})
"""
Kind = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Pace:
    """What finished trainings took.

    Attributes:
        runs: params and tags of each run, in MLflow's words.
    """

    runs: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def read(cls, project: Project) -> "Pace":
        """The pace of a project's latest runs; an empty one where there is no store to read, or none answers."""
        uri = project.tracking_uri
        if uri.startswith(("http://", "https://")):
            return cls(tuple(_on_server(uri)))
        runs = defaultdict[str, dict[str, str]](dict)
        for run, key, value in project.in_store(_FACTS) or ():
            runs[run][key] = value
        return cls(tuple(runs.values()))

    def of_training(
        self, settings: Mapping[str, Any], data: str, threads: int, steps: int | None, images: int | None = None
    ) -> float | None:
        """Expected seconds of a classifier's training by the median of equal ones; None where there was none.

        Args:
            data: kind of the images: demo or real.
            steps: None for a classifier that makes none; the whole of its time on such data is then compared,
            images: in proportion to how many images there are, where both numbers are known.
        """
        paces = self._of_classifiers.get(_kind(flatten(settings) | {"threads": threads}, None if steps else data))
        if not paces:
            return None
        if steps:
            return median(seconds for seconds, _ in paces) * steps
        return median(seconds * (images / known if images and known else 1.0) for seconds, known in paces)

    def of_gan(self, family: str, settings: Mapping[str, Any], threads: int) -> dict[str, float]:
        """Label to the expected seconds of its GAN, as far as equal ones are known."""
        found = defaultdict[str, list[float]](list)
        wanted = _kind({**settings, "threads": threads})
        for run in self.runs:
            if run.get("stage") == "gan" and run.get("family") == family and _kind(run) == wanted and SECONDS in run:
                found[run["label"]].append(float(run[SECONDS]) * settings["epochs"] / float(run["epochs"]))
        return {label: median(seconds) for label, seconds in found.items()}

    @cached_property
    def _of_classifiers(self) -> dict[Kind, list[tuple[float, int]]]:
        """Seconds a step (or, without steps, of the whole) and the number of images, 0 if unknown, by what decides."""
        found = defaultdict[Kind, list[tuple[float, int]]](list)
        for run in self.runs:
            if run.get("stage") == "train" and SECONDS in run:
                steps = int(run["steps"]) if run.get("steps", "").isdecimal() else None
                settings = {k.removeprefix("settings."): v for k, v in run.items() if k.startswith("settings.")}
                kind = _kind(settings | {"threads": run.get("threads")}, None if steps else run.get("data"))
                counts = [run.get(f"{key}_images", "") for key in ("real", "added")]
                images = sum(int(count) for count in counts if count.isdecimal())
                found[kind].append((float(run[SECONDS]) / (steps or 1), images))
        return dict(found)


def _on_server(uri: str) -> list[dict[str, str]]:
    """Params and tags of a tracking server's runs; none of one that is away, refuses, or is something else."""
    import requests  # late: most commands ask no server

    user, password = (os.environ.get(f"MLFLOW_TRACKING_{what}") for what in ("USERNAME", "PASSWORD"))
    with requests.Session() as session:
        session.auth = (user, password) if user and password else None

        def found(what: str, **words: Any) -> list[Any]:
            place = f"{uri.rstrip('/')}/api/2.0/mlflow/{what}/search"
            answer = session.post(place, json={"max_results": LATEST, **words}, timeout=PATIENCE)
            answer.raise_for_status()
            listed: list[Any] = answer.json().get(what, [])
            return listed

        try:
            ids = [one["experiment_id"] for one in found("experiments") if one["name"] in EXPERIMENTS]
            finished, last_first = "attributes.status = 'FINISHED'", ["attributes.start_time DESC"]
            runs = found("runs", experiment_ids=ids, filter=finished, order_by=last_first) if ids else []
            facts = [(*run["data"].get("params", []), *run["data"].get("tags", [])) for run in runs]
            return [{fact["key"]: fact["value"] for fact in one} for one in facts]
        except (requests.RequestException, AttributeError, KeyError, TypeError, ValueError):
            return []


def _kind(settings: Mapping[str, Any], data: str | None = None) -> Kind:
    """What decides the cost of a step; with `data`, of the whole. As texts, as MLflow keeps values."""
    names = DECIDES_A_STEP if data is None else (*DECIDES_A_STEP, "epochs")
    decides = {(key, str(value)) for key, value in settings.items() if key.rpartition(".")[2] in names}
    return frozenset(decides | ({("data", data)} if data else set()))
