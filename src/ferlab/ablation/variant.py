"""What a question's own parameters make of GANs and synthetic sets: stages' results in folders of their own.

A variant is a small project root in which one stage answers for other parameters. Its folder is named by what the
result comes from (parameters, content, code), so that whether it has been made can be seen without making it. Runs,
locks and checkpoints are the checkout's (`Project.home`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ferlab.ablation.checkout import Checkout
from ferlab.code.source import room_hash
from ferlab.files import canonical_json, write_text
from ferlab.params import Params
from ferlab.project import Project
from ferlab.training.identity import identify
from ferlab.yaml_file import dump_yaml

CODE = "src/ferlab/"


@dataclass(frozen=True)
class Variant:
    """One draw of a family's GANs (`gan`), or its synthetic set (`synthesize`), for other parameters.

    Attributes:
        params: what it is made with; only the keys that the stage uses count.
        source: CK+'s images for GANs; for a set, the GANs: the checkout's own, or a variant.
        names: what the result comes from.
    """

    project: Project
    stage: str
    family: str
    draw: int
    params: Params
    source: "Path | Variant"
    names: Mapping[str, Any]

    @cached_property
    def identity(self) -> str:
        return identify(**self.names).name

    @property
    def root(self) -> Project:
        return Project(self.project.variants / self.identity)

    @property
    def out(self) -> Path:
        """The folder of the GANs, or of the set of images."""
        return self.root.work / ("gan" if self.stage == "gan" else "sources") / self.family / str(self.draw)

    @property
    def is_made(self) -> bool:
        return self.out.is_dir()

    @property
    def words(self) -> tuple[str, ...]:
        """The command that makes it, in its root."""
        draw = (str(self.draw),) if self.stage == "gan" else ()
        return "ferlab", "stage", self.stage, self.family, *draw

    def lay(self) -> None:
        """Make the root, without the result."""
        lay_root(self.root, self.params)
        given = self.source.out if isinstance(self.source, Variant) else self.source
        below = "sources/ckplus" if self.stage == "gan" else f"gan/{self.family}/{self.draw}"
        link(given, self.root.work / below)


def lay_root(root: Project, params: Params) -> None:
    """Write a variant's params.yaml, and what makes its folder a project."""
    write_text(root.params, dump_yaml(json.loads(canonical_json(params.model_dump(mode="json")))))
    link(root.home / "dvc.yaml", root.root / "dvc.yaml")


def link(source: Path, target: Path) -> None:
    """Let `target` stand for `source`, which may be made later. In a copied project it stood for the original's."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() and target.readlink() != source:
        target.unlink(missing_ok=True)
    if not target.is_symlink():
        target.symlink_to(source)


def source_of(checkout: Checkout, asked: Params, arm: str, seed: int) -> Path | Variant:
    """The images that an arm's `synthetic` names under other parameters: the checkout's own, or a variant.

    Raises:
        UserError: something is missing that the pipeline makes.
    """
    name, draw = asked.arms[arm].synthetic, asked.run.draw_of(seed)
    if name not in asked.gan.families:
        return checkout.made(f"sources/{name}", "`dvc repro audit` makes it")
    own = checkout.params
    gan_keys = ("gan.seed", f"gan.families.{name}")
    own_gan = any(asked.plain(key) != own.plain(key) for key in gan_keys)
    own_set = own_gan or any(asked.plain(key) != own.plain(key) for key in ("synthesis.seed", "synthesis.per_class"))
    if not own_set:
        return _made(checkout, f"sources/{name}/{draw}", f"the synthetic set of {name}", f"synthesize@{name}")
    gans: Path | Variant
    if own_gan:
        ckplus = checkout.made("sources/ckplus", "`dvc repro audit` makes it")
        gans = _variant(checkout, "gan", name, draw, asked, ckplus)
    else:
        gans = _made(checkout, f"gan/{name}/{draw}", f"the GANs of {name}", f"gan@{name}-{draw}")
    return _variant(checkout, "synthesize", name, draw, asked, gans)


def _made(checkout: Checkout, below_work: str, what: str, stage: str) -> Path:
    made_by = f"`dvc repro {stage}` makes it, if its family is named in params.yaml: run.families"
    return checkout.made(below_work, made_by, what)


def _variant(checkout: Checkout, stage: str, family: str, draw: int, asked: Params, source: Path | Variant) -> Variant:
    """A variant named by what dvc.yaml declares of its stage: the same keys, inputs and code that DVC goes by."""
    params = asked.model_copy(update={"run": asked.run.model_copy(update={"draws": [draw]})})
    declared = checkout.declared[stage]
    keys = [str(key).replace("${item.family}", family) for key in declared["params"]]
    rooms = [str(dep).removeprefix(CODE) for dep in declared["deps"] if str(dep).startswith(CODE)]
    names = {
        "stage": stage,
        "arguments": {"family": family, "draw": draw},
        "params": {key: params.plain(key) for key in keys},
        "inputs": {"source": source.identity if isinstance(source, Variant) else checkout.content(source)},
        "code": {room: room_hash(room) for room in rooms},
        "device": params.compute.device,
    }
    return Variant(checkout.project, stage, family, draw, params, source, names)
