"""Arms in plain words, and none where words would hide a difference."""

import pytest

from ferlab.params import load
from ferlab.report.spoken import spoken
from reports import PAPER
from small import REPOSITORY


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        ("resnet50", "ResNET-50 alone"),
        ("vgg16-wgan_gp", "VGG-16 with WGAN-GP's images"),
        ("resnet50-steps", "ResNET-50 alone, trained for longer"),
        ("resnet50-oversampled", "ResNET-50 with FER-2013's own images repeated"),
        ("resnet50-ckplus", "ResNET-50 with CK+'s own images"),
        ("svm-hog", "a support vector machine on gradients"),
        ("resnet50-contempt", None),  # DCGAN's images, but with a class that they haven't elsewhere
        ("resnet50-no-copies", None),
        ("resnet50-paper-dcgan", None),
    ],
)
def test_arms_are_told_apart(arm: str, words: str | None) -> None:
    assert spoken(arm, load(REPOSITORY / "params.yaml"), PAPER) == words
