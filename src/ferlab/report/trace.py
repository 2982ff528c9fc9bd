"""Everything that is known of where an arm's numbers come from, as plain JSON."""

from typing import Any

from ferlab.files import sha256_file
from ferlab.report.evidence import Evidence

FILES = ("audit.json", "quality.json", "params.yaml", "test_images.csv")


def trace(evidence: Evidence, arm: str) -> dict[str, Any]:
    """Of an arm that has run: its plan, the hashes of the files that describe the data, and a record a seed.

    A record holds the training's identity, which code made it in words, the file's hash and accuracy, and the ledger's
    line: commit, data, code, inputs, parameters, GAN, checkpoint, machine, instructions, libraries, times and MLflow
    run. A line holds what the version that wrote it knew; `ledger` is null where there is none.
    """
    runs = []
    for seed, origin in evidence.origins[arm].items():
        run, selection = evidence.test_runs[arm][seed], evidence.selection(arm, seed)
        runs.append(
            {
                "seed": seed,
                "identity": origin.identity,
                "code": origin.code,
                "accuracy": float(run.correct.mean()),
                "images": len(run.ids),
                "predictions": origin.sha256,
                "selection": selection.model_dump(mode="json", exclude={"settings"}) if selection else {},
                "ledger": origin.line.plain() if origin.line else None,
            }
        )
    hashes = {name: sha256_file(path) for name in FILES if (path := evidence.folder / name).is_file()}
    plan = evidence.arms[arm].model_dump(mode="json") if arm in evidence.arms else None
    return {
        "arm": arm,
        "budget": evidence.params.budget,
        "plan": plan and plan.pop("arm") | plan,
        "files": hashes,
        "runs": runs,
    }
