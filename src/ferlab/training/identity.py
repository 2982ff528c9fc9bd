"""Identity: a name for a result that is fixed before the result exists.

Two runs with the same identity were given the same parameters, the same content of their inputs, the same source of
the numerical rooms and the same kind of device, so that on a CPU they end bit-identical.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ferlab.code.source import room_hash
from ferlab.files import canonical_json
from ferlab.records.plan import ArmPlan


@dataclass(frozen=True)
class Identity:
    """What a result is made of, and its name.

    Attributes:
        manifest: `stage`, `arguments`, `params` (dotted key to value), `inputs` (path to hash), `code` (room to hash),
            `device`; plain JSON types.
    """

    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        """16 hex digits of the manifest's SHA-256."""
        return hashlib.sha256(canonical_json(self.manifest).encode()).hexdigest()[:16]


def identify(
    stage: str,
    arguments: Mapping[str, Any],
    params: Mapping[str, Any],
    inputs: Mapping[str, str],
    code: Mapping[str, str],
    device: str,
) -> Identity:
    """Name a result by what it is made of.

    Args:
        inputs: name to hash of its content.
        code: room, or what else of the code, to its hash.
    """
    return Identity(
        {
            "stage": stage,
            "arguments": dict(arguments),
            "params": dict(params),
            "inputs": dict(inputs),
            "code": dict(code),
            "device": device,
        }
    )


TRAINING = ("stages/train.py", "data", "training")
"""Rooms whose code decides a training, beside its method's, whose hash the plan carries."""


def identify_training(plan: ArmPlan, arm: str, seed: int, train: str, valid: str, device: str) -> Identity:
    """Name a training, which needs nothing that isn't known before it.

    Args:
        train, valid: content hashes of FER-2013's splits; the second doesn't matter to a plan that holds out a part of
            the first instead, as share and split say which.
        device: `cpu` or `cuda`.
    """
    inputs = {"work/prepared/train": train} | ({} if plan.held_out else {"work/prepared/valid": valid})
    return identify(
        stage="train",
        arguments={"arm": arm, "seed": str(seed)},
        params={"plan": plan.model_dump(mode="json", exclude={"code"})},
        inputs=inputs,
        code={room: room_hash(room) for room in TRAINING} | {"method": plan.code},
        device=device,
    )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs between two manifests, a line each: parameters with their values, inputs and rooms by name."""
    lines = []
    for part, noun in (("params", "parameter"), ("inputs", "input"), ("code", "code of"), ("arguments", "argument")):
        old, new = flatten(before.get(part, {})), flatten(after.get(part, {}))
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                values = f" {old.get(key)} -> {new.get(key)}" if part in ("params", "arguments") else ""
                lines.append(f"{noun} {key}{values}")
    if before.get("device") != after.get("device"):
        lines.append(f"device {before.get('device')} -> {after.get('device')}")
    return lines


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
