"""Section `classifiers`."""

from typing import Annotated, Literal

from pydantic import Field

from ferlab.params.section import Fraction, Positive, Rate, Section


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


class PixelFeatures(Section):
    kind: Literal["pixels"]
    components: Positive | None


class HogFeatures(Section):
    kind: Literal["hog"]
    orientations: Positive
    cell: Literal[4, 6, 8, 12, 16]
    block: Annotated[int, Field(ge=1, le=3)]


class LbpFeatures(Section):
    kind: Literal["lbp"]
    radius: Annotated[int, Field(ge=1, le=8)]
    grid: Literal[1, 2, 3, 4, 6, 8, 12]


Features = Annotated[PixelFeatures | HogFeatures | LbpFeatures, Field(discriminator="kind")]


class SvmClassifier(Section):
    method: Literal["svm"]
    features: Features
    kernel: Literal["linear", "rbf"]
    kernel_limit: Positive
    C: Annotated[float, Field(gt=0)]
    tolerance: Annotated[float, Field(gt=0)]
    max_iterations: Positive


Classifier = Annotated[NetworkClassifier | SvmClassifier, Field(discriminator="method")]
