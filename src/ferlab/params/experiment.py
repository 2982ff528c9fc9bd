"""Sections `compute`, `run`, `arms` and `runtime`: what is run, and how."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from ferlab.params.section import Fraction, Name, NonNegative, Positive, Section

NONE = "none"  # the synthetic source of an arm that adds nothing to FER-2013
CKPLUS = "ckplus"  # of a control that adds the real images which the GANs were trained on


class Compute(Section):
    threads: Annotated[int, Field(gt=0, le=1024)]  # CPU threads of one process; changes the last bits of every result
    device: Literal["auto", "cpu", "cuda"]
    instructions: Literal["avx2", "native"]  # of the CPU; changes the last bits of every result


class Run(Section):
    """What this budget runs. Rows that are defined below and not named here are reported as "not run yet"."""

    families: list[Name]  # none: no GAN is trained
    draws: list[NonNegative]  # of each family: one that all seeds share, or one a seed
    tuned: list[Name]  # none: nothing is searched
    arms: dict[Name, Name]  # a row, and the images that it waits for: its own `synthetic`, which DVC can't look up
    seeds: list[NonNegative]
    evaluate_on: list[Name]  # further data sets that every run is tested on too

    @field_validator("arms", mode="before")
    @classmethod
    def _arms_wait_for_images(cls, arms: Any) -> Any:
        if isinstance(arms, list):
            raise ValueError("run.arms: a mapping from each arm to the images that it adds, as in `resnet50: none`")
        return arms

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for key, values in self:
            if (not values and key not in ("families", "tuned", "evaluate_on")) or len(set(values)) != len(values):
                raise ValueError(f"run.{key}: {values} is empty or names something twice")
        if len(self.draws) not in (1, len(self.seeds)):
            raise ValueError(
                f"run.draws: {len(self.draws)} draws for {len(self.seeds)} seeds: name one, or as many as seeds"
            )
        return self

    def draw_of(self, seed: int) -> int:
        """The draw of a GAN whose images a seed is trained with; of a seed that isn't named, the first."""
        if len(self.draws) == 1 or seed not in self.seeds:
            return self.draws[0]
        return self.draws[self.seeds.index(seed)]


class Arm(Section):
    """One row of the experiment: a classifier, what it is trained on, for how long, and who picks its epoch."""

    classifier: Name
    tuned: bool
    synthetic: Name  # a GAN family, or one of the two words above
    synthetic_per_class: NonNegative | None
    labels: Literal["drop_contempt", "contempt_as_neutral"]
    match_steps_of: Name | None
    oversample_to: Name | None
    shuffled: Literal["none", "labels", "pixels"]  # of the images that it adds
    drop_train_copies: bool
    augmentation: bool
    select_on: Literal["valid", "test", "last"]
    held_out: Fraction  # share of the training split that validates in place of the split valid
    tests: Annotated[list[Literal["valid", "test"]], Field(min_length=1)]

    @model_validator(mode="after")
    def _tested_on_what_picked_nothing(self) -> Self:
        if len(set(self.tests)) != len(self.tests):
            raise ValueError(f"tests: {self.tests} names a split twice")
        if "valid" in self.tests and self.select_on == "valid" and not self.held_out:
            raise ValueError("tests: valid picks this arm's epoch; set select_on to last, or hold out a part of train")
        return self

    @model_validator(mode="after")
    def _adds_one_thing(self) -> Self:
        if self.oversample_to is not None and self.synthetic not in (NONE, CKPLUS):
            raise ValueError(f"an arm adds '{self.synthetic}' or oversamples to '{self.oversample_to}', not both")
        if self.shuffled != "none" and self.synthetic == NONE and self.oversample_to is None:
            raise ValueError(f"shuffled: '{self.shuffled}' of an arm that adds no images")
        return self


class Runtime(Section):
    """Settings that can't change a result; no stage depends on them."""

    checkpoint_seconds: Annotated[float, Field(ge=0)]
    look_every: Positive  # epochs
    checkpoints: str | None  # fsspec URL: where trainings on a cluster keep what is in flight
    memory_gib: Annotated[float, Field(gt=0)]  # of a task on a cluster
    gpu_share: Annotated[float, Field(gt=0, le=1)]  # of a task on a cluster that computes on a GPU
