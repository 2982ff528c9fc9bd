"""The one schema of params.yaml.

Every number that can change a result stands in params.yaml and is checked here on load. It is the whole truth: there
are no defaults in the code, unknown keys are refused, and each error names the key, the value and what is allowed.
"""

from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ferlab.errors import UserError
from ferlab.files import canonical_json
from ferlab.yaml_file import read_yaml

NONE = "none"  # the synthetic source of an arm that trains on real images only

Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, le=10)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$")]


class Section(BaseModel):
    """A frozen part of params.yaml in which unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Compute(Section):
    threads: Positive  # CPU threads of one process; changes the last bits of every result
    device: Literal["auto", "cpu", "cuda"]


class Run(Section):
    """What this budget runs. Rows that are defined below and not named here are reported as "not run yet"."""

    families: list[Name]
    tuned: list[Name]
    arms: list[Name]
    seeds: list[NonNegative]


class Data(Section):
    kind: Literal["demo", "real"]
    allow_demo: bool
    fer2013: Sha256
    ckplus: Sha256


class Audit(Section):
    near_constant_std: Annotated[float, Field(ge=0, le=127)]


class GanFamily(Section):
    base_channels: Positive
    latent: Positive
    lr: Rate
    beta1: Fraction
    beta2: Fraction
    batch_size: Positive
    epochs: Positive
    critic_steps: Positive


class Gan(Section):
    seed: NonNegative
    families: dict[Name, GanFamily]


class Synthesis(Section):
    per_class: Positive
    seed: NonNegative
    shown: Annotated[int, Field(ge=1, le=16)]


class Quality(Section):
    collapse_ratio: Annotated[float, Field(gt=0, lt=1)]
    copy_correlation: Annotated[float, Field(gt=0, le=1)]


class Augmentation(Section):
    rotation: Annotated[float, Field(ge=0, le=180)]
    translation: Annotated[float, Field(ge=0, le=0.5)]
    flip: bool


class NetworkClassifier(Section):
    method: Literal["network"]
    network: Literal["resnet50"]
    width: Annotated[float, Field(gt=0, le=2)]
    stem: Literal["imagenet", "3x3_pool", "3x3"]
    zero_init_residual: bool
    lr: Rate
    momentum: Fraction
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    schedule: Literal["constant", "one_cycle"]
    batch_size: Annotated[int, Field(ge=2)]
    epochs: Positive
    augmentation: Augmentation


class SvmClassifier(Section):
    method: Literal["pixel_svm"]
    C: Annotated[float, Field(gt=0)]
    tolerance: Annotated[float, Field(gt=0)]
    max_iterations: Positive


Classifier = Annotated[NetworkClassifier | SvmClassifier, Field(discriminator="method")]


class Tune(Section):
    seed: NonNegative
    trials: Positive
    epochs: Positive
    train_fraction: Annotated[float, Field(gt=0, le=1)]
    lr: Annotated[list[Rate], Field(min_length=2, max_length=2)]
    batch_sizes: Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _range_not_empty(self) -> "Tune":
        if not self.lr[0] < self.lr[1]:
            raise ValueError(f"tune.lr must be [low, high] with low < high, not {self.lr}")
        return self


class Arm(Section):
    """One row of the experiment: a classifier and what it is trained on."""

    classifier: Name
    tuned: bool
    synthetic: Name
    labels: Literal["drop_contempt", "contempt_as_neutral"]
    match_steps_of: Name | None


class Runtime(Section):
    """Settings that can't change a result; no stage depends on them."""

    checkpoint_seconds: Annotated[float, Field(ge=0)]


class Params(Section):
    """params.yaml, whole."""

    budget: Name
    compute: Compute
    run: Run
    data: Data
    audit: Audit
    gan: Gan
    synthesis: Synthesis
    quality: Quality
    classifiers: dict[Name, Classifier]
    tune: Tune
    arms: dict[Name, Arm]
    runtime: Runtime

    @model_validator(mode="after")
    def _names_exist(self) -> "Params":
        for family in self.run.families:
            _must_be_known("run.families", family, self.gan.families)
        for name in self.run.tuned:
            _must_be_known("run.tuned", name, self.classifiers)
            if not isinstance(self.classifiers[name], NetworkClassifier):
                raise ValueError(f"run.tuned: '{name}' has no learning rate and batch size to tune")
        for name, arm in self.arms.items():
            _must_be_known(f"arms.{name}.classifier", arm.classifier, self.classifiers)
            _must_be_known(f"arms.{name}.synthetic", arm.synthetic, [NONE, *self.gan.families])
            if arm.match_steps_of is not None:
                _must_be_known(f"arms.{name}.match_steps_of", arm.match_steps_of, self.arms)
                if self.arms[arm.match_steps_of].match_steps_of is not None:
                    raise ValueError(f"arms.{name}.match_steps_of: '{arm.match_steps_of}' matches another arm itself")
        for name in self.run.arms:
            _must_be_known("run.arms", name, self.arms)
            arm = self.arms[name]
            if arm.synthetic not in (NONE, *self.run.families):
                raise ValueError(
                    f"run.arms: '{name}' needs the synthetic set '{arm.synthetic}', absent from run.families"
                )
            if arm.tuned and arm.classifier not in self.run.tuned:
                raise ValueError(f"run.arms: '{name}' is tuned, but '{arm.classifier}' is absent from run.tuned")
        for key, values in self.run:
            if not values or len(set(values)) != len(values):
                raise ValueError(f"run.{key}: {values} is empty or names something twice")
        return self

    def section(self, key: str) -> Any:
        """The checked value at a dotted key, e.g. `gan.families.dcgan`.

        Raises:
            KeyError: there is no such key.
        """
        return reduce(_step, key.split("."), self)

    def plain(self, key: str) -> Any:
        """The value at a dotted key as plain JSON types."""
        value = self.section(key)
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json")
        if isinstance(value, dict):
            return {name: self.plain(f"{key}.{name}") for name in value}
        return value


def _step(node: Any, name: str) -> Any:
    return node[name] if isinstance(node, Mapping) else getattr(node, name)


def _must_be_known(key: str, name: str, known: Any) -> None:
    if name not in known:
        raise ValueError(f"{key}: '{name}' is not one of {', '.join(known)}")


def load(path: Path) -> Params:
    """Read and check params.yaml; a UserError names each key that is unknown, missing, mistyped or out of range."""
    return check(read_yaml(path), str(path.name))


def check(values: Any, where: str) -> Params:
    """Check plain values against the schema. `where` names their file in errors."""
    try:
        return Params.model_validate_json(canonical_json(values), strict=True)
    except ValidationError as error:
        lines = [_explain(item) for item in error.errors(include_url=False)]
        raise UserError("\n".join(lines), where=where, next_step="mend it and start again") from None
    except (ValueError, TypeError) as error:
        raise UserError(f"a value is not plain YAML: {error}", where=where, next_step="use finite numbers") from None


def _explain(item: Any) -> str:
    parts = list(item["loc"])
    if parts[:1] == ["classifiers"]:
        del parts[2:3]  # pydantic puts the union's tag into the path; the file has no such level
    path = ".".join(map(str, parts))
    if item["type"] == "extra_forbidden":
        return f"{path}: unknown key (value {item['input']!r})"
    if item["type"] == "missing":
        return f"{path}: missing key"
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    return f"{path}: {item['input']!r} is not allowed: {item['msg'][0].lower()}{item['msg'][1:]}"
