"""Every run with its scores."""

from dataclasses import dataclass

from ferlab.evaluation.metrics import scores
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection


@dataclass(frozen=True)
class Row:
    """A run that the settings name; None where it has not been run, or its selection isn't on file.

    Attributes:
        accuracy, macro_f1, balanced_accuracy: 0-1; `log_loss` in nats.
        selected_epoch, valid_accuracy (0-1), notes: of the selection.
        identity: of the training, hex.
        commit: whose code made it; "" where the ledger doesn't say.
        device: the GPU or processor that it was trained on, by name as far as the ledger has it.
        stale: whether the selection on file is of another run than the predictions.
    """

    arm: str
    seed: int
    accuracy: float | None = None
    macro_f1: float | None = None
    balanced_accuracy: float | None = None
    log_loss: float | None = None
    identity: str | None = None
    selected_epoch: int | None = None
    valid_accuracy: float | None = None
    notes: str = ""
    device: str = ""
    commit: str = ""
    stale: bool = False


def section(evidence: Evidence, album: Album) -> PageSection:
    """One row an arm and seed."""
    run = evidence.params.run
    rows = [_row(evidence, arm, seed) for arm in run.arms for seed in run.seeds]
    return PageSection("runs", "Runs", "Every run", {"run_rows": rows})


def _row(evidence: Evidence, arm: str, seed: int) -> Row:
    run = evidence.runs.get(arm, {}).get(seed)
    if run is None:
        return Row(arm, seed)
    measured = scores(run)
    selection = evidence.selection(arm, seed)
    return Row(
        arm,
        seed,
        measured["accuracy"],
        measured["macro_f1"],
        measured["balanced_accuracy"],
        measured["log_loss"],
        run.run,
        selection.selected_epoch if selection else None,
        selection.valid_accuracy if selection else None,
        "; ".join(f"{key}: {value}" for key, value in sorted(selection.notes.items())) if selection else "",
        _device(evidence, arm, seed),
        _commit(evidence, arm, seed),
        selection is not None and selection.identity != run.run,
    )


def _commit(evidence: Evidence, arm: str, seed: int) -> str:
    line = evidence.origins[arm][seed].line
    return "" if line is None or line.commit == "unknown" else line.commit


def _device(evidence: Evidence, arm: str, seed: int) -> str:
    line = evidence.origins[arm][seed].line
    if line is None:
        return "unknown"
    if line.manifest.get("device") == "cuda":
        return line.machine.gpu or "a GPU"
    return line.machine.cpu or line.machine.processor
