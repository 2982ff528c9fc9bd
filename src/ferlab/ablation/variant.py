"""A variant: a small project root in which the pipeline's own stages answer for other parameters.

It holds its own params.yaml and links to what the checkout's stages have made; only the stages that the changed keys
reach are run in it. Runs, locks and checkpoints are the checkout's (`Project.home`).
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from ferlab.ablation.keys import changed, family_of
from ferlab.ablation.question import Point
from ferlab.errors import UserError
from ferlab.files import canonical_json, content_hash, write_json, write_text
from ferlab.params import Params
from ferlab.project import Project
from ferlab.stages.context import Context, call
from ferlab.stages.table import find
from ferlab.yaml_file import dump_yaml


def lay(project: Project, params: Params, point: Point) -> Project:
    """Make the variant of a point, or find it: parameters, links, and the arm's own plan and added images.

    Points that differ in the seed alone share a variant.

    Raises:
        UserError: something is missing that the pipeline makes; the command that makes it is named.
    """
    asked = changed(params, point.arm, _with_tuned(project, params, point))
    text = dump_yaml(json.loads(canonical_json(asked.model_dump(mode="json"))))
    name = hashlib.sha256(text.encode()).hexdigest()[:12]
    variant = Project(project.state / "ablation" / "variants" / name, owner=project.home)
    write_text(variant.params, text)
    for made in ("prepared", "audit"):
        _link(project.work / made, variant.work / made, "`dvc repro audit` makes it")
    if asked.arms[point.arm].tuned:
        _link(project.work / "tuned", variant.work / "tuned", "`dvc repro` makes it")
    for given in ("tuned", "synthetic"):  # stages want these folders, though the arm takes nothing from them
        (variant.work / given).mkdir(parents=True, exist_ok=True)
    for family in _families(asked, point.arm):
        _lay_synthetic(project, params, variant, asked, family)
    _once(variant, "mix", [])
    return variant


def context(variant: Project, stage: str, arguments: list[str], **more: Any) -> Context:
    """A call of a stage in a variant."""
    from ferlab import params as schema

    declared = find(stage)
    named = dict(zip(declared.arguments, arguments, strict=True))
    return Context(variant, declared, named, schema.load(variant.params), quiet=True, **more)


def _with_tuned(project: Project, params: Params, point: Point) -> dict[str, Any]:
    """The point's settings. Where it sets one of the values that a tuned arm takes from its search, it wins over the
    search, and the other values found stay."""
    arm = params.arms[point.arm]
    if not point.settings.get(f"arms.{point.arm}.tuned", arm.tuned):
        return dict(point.settings)
    path = project.work / "tuned" / f"{arm.classifier}.json"
    if not path.is_file():
        raise UserError(
            f"the arm {point.arm} takes settings from a search that hasn't been made",
            where=str(path),
            next_step=f"`dvc repro tune@{arm.classifier}`, or add `--set tuned=false`",
        )
    room = f"classifiers.{arm.classifier}."
    found = {room + key: value for key, value in json.loads(path.read_text())["values"].items()}
    if not found.keys() & point.settings.keys():
        return dict(point.settings)
    return found | dict(point.settings) | {f"arms.{point.arm}.tuned": False}


def _families(asked: Params, arm: str) -> list[str]:
    """The GAN families whose sets an arm needs: its own, and those of the arms that it follows."""
    told = asked.arms[arm]
    names = (arm, told.match_steps_of, told.oversample_to)
    return sorted({family for name in names if name and (family := family_of(asked, name))})


def _lay_synthetic(project: Project, params: Params, variant: Project, asked: Params, family: str) -> None:
    """A family's synthetic set: the checkout's, or one of the variant's own where the question changes its making."""
    own_gan = any(asked.plain(key) != params.plain(key) for key in ("gan.seed", f"gan.families.{family}"))
    if own_gan:
        _once(variant, "gan", [family])
    elif asked.synthesis != params.synthesis:
        named = f"`dvc repro gan@{family}` makes it, if {family} is named in params.yaml: run.families"
        _link(project.work / "gan" / family, variant.work / "gan" / family, named)
    if own_gan or asked.synthesis != params.synthesis:
        _once(variant, "synthesize", [family])
        return
    source, target = project.work / "synthetic" / family, variant.work / "synthetic" / family
    if not source.is_dir():
        raise UserError(
            f"there is no synthetic set of {family} yet",
            where=str(source),
            next_step=f"name {family} in params.yaml: run.families, then `dvc repro synthesize@{family}`",
        )
    if not target.is_dir() or content_hash(target) != content_hash(source):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, copy_function=os.link)  # hashes of the whole folder follow no links


def _once(variant: Project, stage: str, arguments: list[str]) -> None:
    """Run a stage in the variant unless it has already been run there with this identity."""
    told = context(variant, stage, arguments)
    done = variant.root / "done" / f"{told.run_key}.json"
    identity = {"identity": told.identity.name}
    if done.exists() and json.loads(done.read_text()) == identity and all(path.exists() for path in told.outs):
        return
    call(told)
    write_json(done, identity)


def _link(source: Path, target: Path, made_by: str) -> None:
    if not source.exists():
        raise UserError(f"{source.name} is missing", where=str(source), next_step=made_by)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.symlink_to(source, target_is_directory=True)
