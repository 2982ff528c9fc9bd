"""Section `classifiers`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ferlab.params.features import Features
from ferlab.params.null_model import NullModelClassifier
from ferlab.params.section import Fraction, Name, Positive, Rate, Section, Sha256
from ferlab.params.visual_words import BovwClassifier, VisualWords

InputSize = Annotated[int, Field(ge=32, le=512)]
"""Pixels a side that a network sees. Five halvings leave one place of 32."""


class Augmentation(Section):
    rotation: Annotated[float, Field(ge=0, le=180)]
    translation: Annotated[float, Field(ge=0, le=0.5)]
    crop: Annotated[float, Field(gt=0, le=1)]
    flip: bool


class NetworkClassifier(Section):
    """What every convolutional network is told; each family below adds what only it has."""

    method: Literal["network"]
    network: str
    width: Annotated[float, Field(gt=0, le=2)]
    input_size: InputSize
    weights: Annotated[str, Field(min_length=1)]  # none, imagenet, or a file's path
    weights_sha256: Sha256 | None  # of that file
    lr: Rate
    momentum: Fraction
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    label_smoothing: Fraction
    targets: Literal["majority", "votes", "drawn"]
    schedule: Literal["constant", "one_cycle"]
    batch_size: Annotated[int, Field(ge=2)]
    epochs: Positive
    compile: Literal["none", "default", "reduce-overhead"]
    amp: bool
    deterministic: bool
    augmentation: Augmentation

    @model_validator(mode="after")
    def _weights_are_named(self) -> Self:
        if (self.weights not in ("none", "imagenet")) != (self.weights_sha256 is not None):
            raise ValueError(
                f"weights: '{self.weights}' with weights_sha256 '{self.weights_sha256}': a file needs its SHA-256, "
                "and only a file has one"
            )
        if self.weights == "imagenet" and self.width != 1:
            raise ValueError(f"weights: imagenet's are for width 1, not {self.width}")
        return self


class ResnetClassifier(NetworkClassifier):
    network: Literal["resnet18", "resnet50"]
    stem: Literal["imagenet", "3x3_pool", "3x3"]
    zero_init_residual: bool

    @model_validator(mode="after")
    def _weights_fit_the_stem(self) -> Self:
        if self.weights == "imagenet" and self.stem != "imagenet":
            raise ValueError(f"weights: imagenet's are for the stem imagenet, not {self.stem}")
        return self


class VggClassifier(NetworkClassifier):
    network: Literal["vgg13", "vgg16", "vgg19"]
    batch_norm: bool
    dropout: Fraction


class SvmClassifier(Section):
    method: Literal["svm"]
    features: Features
    kernel: Literal["linear", "rbf"]
    kernel_limit: Positive
    C: Annotated[float, Field(gt=0)]
    tolerance: Annotated[float, Field(gt=0)]
    max_iterations: Positive


class Member(Section):
    """One of the networks whose features are joined."""

    network: Literal["vgg13", "vgg16", "vgg19"]
    weights: Annotated[str, Field(min_length=1)]  # as of a network
    weights_sha256: Sha256 | None
    trained: bool
    frozen: Annotated[int, Field(ge=0, le=16)]

    @model_validator(mode="after")
    def _something_to_freeze(self) -> Self:
        if self.weights == "none" and (self.frozen or not self.trained):
            raise ValueError(
                f"members: {self.network} has no pre-trained weights (weights: none), so there is nothing to freeze or "
                "to use untrained"
            )
        if self.frozen > CONVOLUTIONS[self.network]:
            raise ValueError(
                f"members: {self.network} has {CONVOLUTIONS[self.network]} convolutions, not {self.frozen}"
            )
        return self


CONVOLUTIONS = {"vgg13": 10, "vgg16": 13, "vgg19": 16}


class Members(Section):
    """What all members are told."""

    width: Annotated[float, Field(gt=0, le=2)]
    batch_norm: bool
    dropout: Fraction
    input_size: InputSize
    redraw_std: Annotated[float, Field(gt=0)] | None
    lr: Rate
    momentum: Fraction
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    schedule: Literal["constant", "one_cycle"]
    batch_size: Annotated[int, Field(ge=2)]
    epochs: Positive
    stop_at_drop: bool
    augmentation: Augmentation


class DfsvmClassifier(Section):
    method: Literal["dfsvm"]
    members: Annotated[list[Member], Field(min_length=1)]
    training: Members
    C: Annotated[float, Field(gt=0)]
    tolerance: Annotated[float, Field(gt=0)]
    max_iterations: Positive

    @model_validator(mode="after")
    def _members_fit(self) -> Self:
        names = [member.network for member in self.members]
        if len(set(names)) < len(names):
            raise ValueError(f"members: {', '.join(names)} name a network twice")
        if self.training.width != 1 and any(member.weights == "imagenet" for member in self.members):
            raise ValueError(f"members: ImageNet's weights are for width 1, not {self.training.width}")
        return self


class L2svmSettings(Section):
    """What a network is told whose last layer is a support vector machine."""

    method: Literal["l2svm"]
    C: Annotated[float, Field(gt=0)]
    label_smoothing: Annotated[float, Field(ge=0, le=0)]  # it is of cross-entropy
    targets: Literal["majority"]  # each machine knows a true class and others


class L2svmResnet(L2svmSettings, ResnetClassifier):
    pass


class L2svmVgg(L2svmSettings, VggClassifier):
    pass


class Localiser(Section):
    channels: Positive  # of its first convolution; the second has twice as many
    reach: Annotated[float, Field(gt=0, le=1)]  # of each number of a view, either way from the whole image's


class TransformerClassifier(ResnetClassifier):
    method: Literal["transformer"]  # type: ignore[assignment]  # one of its own
    localiser: Localiser

    @model_validator(mode="after")
    def _starts_afresh(self) -> Self:
        if self.weights != "none":
            raise ValueError(
                f"weights: '{self.weights}', but no weights are given out of a network behind a transformer"
            )
        return self


Network = Annotated[ResnetClassifier | VggClassifier, Field(discriminator="network")]
L2svm = Annotated[L2svmResnet | L2svmVgg, Field(discriminator="network")]


class TwoLevelClassifier(Section):
    method: Literal["two_level"]
    groups: Annotated[list[Annotated[list[str], Field(min_length=1)]], Field(min_length=2)]
    network: Network  # of both levels

    @model_validator(mode="after")
    def _groups_part_the_labels(self) -> Self:
        names = [name for group in self.groups for name in group]
        if len(set(names)) < len(names):
            raise ValueError(f"groups: {self.groups} name an expression twice")
        if self.network.targets != "majority":
            raise ValueError(
                f"network.targets: '{self.network.targets}', but a cascade learns groups, on which nobody voted; "
                "set it to majority"
            )
        return self


class LocalLearningClassifier(Section):
    method: Literal["local_learning"]
    features: VisualWords
    networks: dict[Name, Network]
    neighbours: Positive
    C: Annotated[float, Field(gt=0)]


class MappedLbpClassifier(Section):
    method: Literal["mapped_lbp"]
    network: Network  # of each member
    radii: Annotated[list[Annotated[int, Field(ge=1, le=16)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _members_fit(self) -> Self:
        if len(set(self.radii)) < len(self.radii):
            raise ValueError(f"radii: {self.radii} name a radius twice")
        if self.network.weights != "none":
            raise ValueError(f"network: its weights are drawn (weights: none), not '{self.network.weights}'")
        return self


class FoldsClassifier(Section):
    method: Literal["folds"]
    network: Annotated[Network | L2svm, Field(discriminator="method")]  # of each member
    folds: Annotated[int, Field(ge=2, le=20)]


BuiltIn = Annotated[
    Network
    | L2svm
    | TransformerClassifier
    | TwoLevelClassifier
    | NullModelClassifier
    | SvmClassifier
    | DfsvmClassifier
    | BovwClassifier
    | LocalLearningClassifier
    | MappedLbpClassifier
    | FoldsClassifier,
    Field(discriminator="method"),
]
