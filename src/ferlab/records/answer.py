"""What a point of an ablation found: `.ferlab/ablation/answers/<identity>/answer.json`, beside its predictions."""

from typing import Literal

from ferlab.records.record import Record

FILE = "answer.json"


class Answer(Record):
    """A training's result on the images that validate it.

    Attributes:
        identity: of the training.
        accuracy: of the selected epoch, 0-1.
        seconds: of the training; None where the pipeline ran it.
        mlflow_run: its id; None where the tracking store doesn't know it.
        source: `run` for a question, or by the `pipeline`.
    """

    identity: str
    accuracy: float
    selected_epoch: int
    seconds: float | None
    mlflow_run: str | None
    source: Literal["run", "pipeline"]
