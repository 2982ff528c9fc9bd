"""What the pipeline has made in a checkout: each thing read or hashed once, and nothing ever written."""

from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ferlab import params as schema
from ferlab.classifiers.catalogue import METHODS
from ferlab.code.closure import closure_hash
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.execution.archives import prepared_otherwise
from ferlab.files import content_hash
from ferlab.params import Params, paced_by
from ferlab.project import Project
from ferlab.records.plan import TunedSettings
from ferlab.synthesis.plan import Added, added_images
from ferlab.yaml_file import read_yaml


class NoSearchError(UserError):
    """An arm's settings come from a search that hasn't been made.

    Attributes:
        classifier: what is to be searched.
    """

    def __init__(self, arm: str, classifier: str, path: Path, cost: str = "") -> None:
        self.arm, self.classifier, self.path = arm, classifier, path
        super().__init__(
            f"the arm {arm} takes settings from a search that hasn't been made",
            where=str(path),
            next_step=f"`dvc repro tune@{classifier}` makes it{cost}; or add `--set tuned=false` for the settings of "
            f"params.yaml as they are",
        )


class Checkout:
    """The pipeline's results that points are made of.

    Where something is missing, whoever asks for it gets a UserError that names the command that makes it.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.content, self._code = cache(content_hash), cache(closure_hash)
        self._added = dict[tuple[str, str, str, Path, int | None], Added]()

    @cached_property
    def params(self) -> Params:
        return schema.load(self.project.params)

    @cached_property
    def train(self) -> ImageSet:
        return ImageSet.open(self._prepared("train"))

    @cached_property
    def hashes(self) -> tuple[str, str]:
        """Content hashes of the splits train and valid."""
        train, valid = map(self.content, map(self._prepared, ("train", "valid")))
        return train, valid

    @cached_property
    def leaked(self) -> list[str]:
        """Names of training images of which valid or test holds an exact copy."""
        import pandas as pd  # late: half a second

        table = pd.read_parquet(
            self.made("audit/images.parquet", "`dvc repro audit` makes it"), columns=["split", "id", "copy_in_held_out"]
        )
        return list(table["id"][(table["split"] == "train") & table["copy_in_held_out"]])

    @cached_property
    def declared(self) -> Mapping[str, Any]:
        """dvc.yaml's stages: what each of them depends on."""
        stages: Mapping[str, Any] = read_yaml(self.project.root / "dvc.yaml")["stages"]
        return stages

    def _prepared(self, split: str) -> Path:
        path = self.made(f"prepared/{split}", "`dvc repro audit` makes it")
        if changed := prepared_otherwise(self.project):
            raise UserError(
                f"work/prepared holds faces of before {' and '.join(changed)} changed",
                where=str(path),
                next_step="`dvc repro audit` prepares those that params.yaml names",
            )
        return path

    def made(self, below_work: str, made_by: str, what: str = "") -> Path:
        """A path below work/, which must be there.

        Args:
            made_by: what makes it, for people.
            what: what is missing where it isn't; default: the path.
        """
        path = self.project.work / below_work
        if not path.exists():
            raise UserError(f"{what or f'work/{below_work}'} is missing", where=str(path), next_step=made_by)
        return path

    def method_code(self, params: Params, arm: str) -> str:
        """The hash of an arm's method's code, as it is now."""
        method = METHODS[params.classifiers[params.arms[arm].classifier].method]
        return self._code(method.path)

    def tuned(self, arm: str, classifier: str) -> TunedSettings:
        """What the search for an arm's classifier chose."""
        path = self.project.work / "tuned" / f"{classifier}.json"
        if not path.is_file():
            raise NoSearchError(arm, classifier, path)
        return TunedSettings.read(path)

    def dropped(self, params: Params, arm: str) -> list[str]:
        """The leaked names, read only where the arm, or one that it follows, drops copies."""
        row = params.arms[arm]
        rows = (row, params.arms[paced_by(params.arms, arm)])
        return self.leaked if any(r.drop_train_copies for r in rows) else []

    def images(self, params: Params, arm: str, seed: int, source: Path) -> ImageSet:
        """The images that an arm adds."""
        leaked = self.dropped(params, arm)
        return added_images(params, arm, seed, train=self.train, leaked=leaked, source=ImageSet.open(source))

    def added(self, params: Params, arm: str, seed: int, source: Path) -> Added:
        """What a plan says of them: made once for all points that add the same."""
        row = params.arms[arm]
        followed = params.arms[row.oversample_to].model_dump_json() if row.oversample_to else ""
        adds = row.model_dump_json(exclude={"classifier", "tuned", "augmentation", "match_steps_of", "select_on"})
        own = seed if row.shuffled != "none" else None  # all seeds add the same, unless each shuffles it anew
        key = (adds, followed, params.synthesis.model_dump_json(), source, own)
        if key not in self._added:
            self._added[key] = Added.of(self.images(params, arm, seed, source))
        return self._added[key]
