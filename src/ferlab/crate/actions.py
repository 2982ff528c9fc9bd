"""What the ledger says of a run, in the terms of the Process Run Crate profile."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ferlab.crate.data_sets import described_sets
from ferlab.records.ledger import LedgerLine, Machine
from ferlab.report.evidence import Evidence
from ferlab.report.missing import RUN_FILES
from ferlab.report.provenance import Origin

Entity = dict[str, Any]
"""Properties of an entity of the archive's metadata, `@id` and `@type` among them."""


@dataclass(frozen=True)
class Action:
    """A run.

    Attributes:
        entity: the action itself.
        others: what it refers to that is no file of the archive: inputs, and facts about it.
    """

    entity: Entity
    others: tuple[Entity, ...]


def actions(evidence: Evidence, workflow: str) -> list[Action]:
    """One action a published run, in the order of the report.

    Args:
        workflow: the file of the archive that tells how the runs were made.
    """
    return [
        _action(evidence, workflow, origin, origin.line)
        for seeds in evidence.origins.values()
        for origin in seeds.values()
        if origin.line is not None
    ]


def dataset_id(dataset: str) -> str:
    """The `@id` of a data set, which itself is no part of the archive."""
    return f"#{dataset}"


def one_or_all(values: list[Any]) -> Any:
    """A property's values as JSON-LD prefers them: a list only where there are several."""
    return values[0] if len(values) == 1 else values


def _action(evidence: Evidence, workflow: str, origin: Origin, line: LedgerLine) -> Action:
    run, folder = f"{line.arm}-{line.seed}", f"reports/{evidence.folder.name}"
    inputs = [
        _entity("CreativeWork", "input", path, sha256, sha256=sha256, description="SHA-256 of its names and contents")
        for path, sha256 in sorted(line.manifest.get("inputs", {}).items())
    ]
    facts = [_value("fact", name, value) for name, value in _facts(origin, line) if value is not None]
    variables = line.instructions.variables if line.instructions else {}
    environment = [_value("environment", name, value) for name, value in sorted(variables.items())]
    results = [f"{folder}/{name}/{run}.{ending}" for name, ending in RUN_FILES.items()]
    results += [f"{folder}/predictions/{further}/{run}.parquet" for further in evidence.params.run.evaluate_on]
    started = line.trained[0] if line.trained else None
    entity = {
        "@id": f"#run-{line.identity}",
        "@type": "CreateAction",
        "name": f"{run}: training and test",
        "description": f"The stages train and evaluate of the arm {line.arm} with seed {line.seed}: "
        f"{line.test_accuracy:.2%} of the test images right.",
        "identifier": line.identity,
        **({"startTime": started} if started else {}),
        "endTime": line.evaluated,
        "instrument": _id(workflow),
        "object": [
            *(_id(dataset_id(dataset)) for dataset in described_sets(evidence.params)),
            *(_id(one["@id"]) for one in inputs),
            _id(f"{folder}/params.yaml"),
        ],
        "result": one_or_all([_id(quote(path)) for path in results if (evidence.folder.parents[1] / path).is_file()]),
        "additionalProperty": [_id(one["@id"]) for one in facts],
        **({"environment": one_or_all([_id(one["@id"]) for one in environment])} if environment else {}),
        "subjectOf": _id(f"{folder}/ledger.jsonl"),
    }
    return Action(entity, (*inputs, *facts, *environment))


def _facts(origin: Origin, line: LedgerLine) -> Iterator[tuple[str, Any]]:
    yield "arm", line.arm
    yield "seed", line.seed
    yield "commit", line.commit
    yield "state of the code", origin.code
    yield "SHA-256 of the code", line.package
    yield "SHA-256 of requirements.lock", line.lock
    yield "SHA-256 of the checkpoint", line.checkpoint
    yield "GAN", line.gan
    yield "search", f"{line.tuned_by['study']}, trial {line.tuned_by['trial']}" if line.tuned_by else None
    yield "device", line.manifest.get("device")
    yield "machine", _machine(line.machine)
    yield "torch", line.libraries.torch if line.libraries else None
    yield "accuracy on validation", line.valid_accuracy
    yield "accuracy on test", line.test_accuracy
    yield "these circumstances are of the", line.circumstances_of


def _machine(machine: Machine) -> str:
    """E.g. "AMD EPYC, x86_64, 2 cores, 24 GiB, Linux, Python 3.11.7"."""
    parts = [machine.cpu, machine.processor, machine.cores and f"{machine.cores} cores", f"{machine.memory_gib} GiB"]
    return ", ".join(str(part) for part in (*parts, machine.gpu, machine.system, f"Python {machine.python}") if part)


def _value(kind: str, name: str, value: Any) -> Entity:
    return _entity("PropertyValue", kind, name, str(value), value=value)


def _entity(type_: str, kind: str, name: str, told_by: str, **more: Any) -> Entity:
    """One whose `@id` is made of what it says, so that runs share it."""
    return {"@id": f"#{kind}/{quote(name)}/{quote(told_by)}", "@type": type_, "name": name, **more}


def _id(name: str) -> dict[str, str]:
    return {"@id": name}
