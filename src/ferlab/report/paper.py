"""The paper as data: every number and setting of it that the report puts beside ours.

Yan, Xiao, Yuan, Cai and Chen, "Facial Expression Recognition with Convolutional Neural Networks via a Data
Augmentation Strategy" (2021). Nothing here is computed, and nothing here is ours.
"""

from dataclasses import dataclass

TITLE = "Facial Expression Recognition with Convolutional Neural Networks via a Data Augmentation Strategy"
AUTHORS = "Yan, Xiao, Yuan, Cai and Chen (2021)"
GENERATED_PER_CLASS = 1000  # Experiment A: "each GAN generated 1000", 7000 pictures in all


@dataclass(frozen=True)
class Row:
    """A row of Table 1.

    Attributes:
        model: as the paper prints it.
        short: the name that the paper's text gives to it.
        percent: accuracy on FER-2013's test set, in percent; the paper prints no interval and no number of runs.
        arm: the arm of ours that rebuilds it, at our own setting.
        as_stated: the arm that rebuilds it at the setting that the paper states; "" where `arm` does.
        best: printed bold.
    """

    model: str
    short: str
    percent: float
    arm: str
    as_stated: str = ""
    best: bool = False


TABLE1 = (
    Row("VGG13+VGG16+VGG19+SVM", "DF-SVM", 52.40, "dfsvm"),
    Row("VGG-16", "VGG-16", 54.92, "vgg16", "vgg16-paper"),
    Row("ResNET-50", "ResNET-50", 64.28, "resnet50", "resnet50-paper"),
    Row("VGG-16+DCGAN", "VGG-16+DCGAN", 66.37, "vgg16-dcgan", "vgg16-paper-dcgan"),
    Row("VGG-16+WGAN", "VGG-16+WGAN", 64.61, "vgg16-wgan_gp", "vgg16-paper-wgan_gp"),
    Row("ResNET-50+DCGAN", "ResNET-50+DCGAN", 71.75, "resnet50-dcgan", "resnet50-paper-dcgan", best=True),
    Row("ResNET-50+WGAN", "ResNET-50+WGAN", 69.16, "resnet50-wgan_gp", "resnet50-paper-wgan_gp"),
)
"""Table 1, in the paper's order."""


_DFSVM, _VGG, _RESNET, _VGG_DCGAN, _VGG_WGAN, _RESNET_DCGAN, _RESNET_WGAN = TABLE1


@dataclass(frozen=True)
class Order:
    """A claim that rows of Table 1 make: in each pair the first is more accurate than the second.

    Attributes:
        key: its name in files.
        says: in a sentence.
        section: where it stands.
        row: the row of Table 1 that it speaks of.
        lifts: whether it says that a GAN's images lift a network; its one pair is with them, without.
        primary: whether it is one of the two that decide (docs/evidence.md).
    """

    key: str
    says: str
    section: str
    row: Row
    pairs: tuple[tuple[Row, Row], ...]
    lifts: bool = False
    primary: bool = False

    @property
    def gains(self) -> tuple[float, ...]:
        """What the paper prints for each pair, in percentage points."""
        return tuple(round(higher.percent - lower.percent, 2) for higher, lower in self.pairs)


def _lifts(key: str, says: str, with_images: Row, plain: Row, section: str = "Table 1", **more: bool) -> Order:
    return Order(key, says, section, with_images, ((with_images, plain),), lifts=True, **more)


_MAIN = "Abstract, D, Table 1"
LIFTS_RESNET = _lifts(
    "dcgan_lifts_resnet50", "DCGAN's images lift ResNET-50", _RESNET_DCGAN, _RESNET, _MAIN, primary=True
)
ORDERS = (
    LIFTS_RESNET,
    _lifts("wgan_lifts_resnet50", "WGAN-GP's images lift ResNET-50", _RESNET_WGAN, _RESNET, primary=True),
    _lifts("dcgan_lifts_vgg16", "DCGAN's images lift VGG-16", _VGG_DCGAN, _VGG),
    _lifts("wgan_lifts_vgg16", "WGAN-GP's images lift VGG-16", _VGG_WGAN, _VGG),
    Order(
        "dcgan_beats_wgan",
        "DCGAN's images help more than WGAN-GP's, with both networks",
        "D, Table 1",
        _RESNET_DCGAN,
        ((_RESNET_DCGAN, _RESNET_WGAN), (_VGG_DCGAN, _VGG_WGAN)),
    ),
    Order("resnet50_beats_vgg16", "ResNET-50 is better than VGG-16", "D, Table 1", _RESNET, ((_RESNET, _VGG),)),
    Order(
        "dfsvm_is_lowest",
        "DF-SVM is the lowest row of Table 1",
        "Table 1",
        _DFSVM,
        tuple((row, _DFSVM) for row in TABLE1[1:]),
    ),
)
"""What Table 1 claims: two families of tests, the primary claims and the others."""

CLAIM = LIFTS_RESNET.pairs[0]
"""The main claim: (augmented, plain)."""


@dataclass(frozen=True)
class Images:
    """A claim about generated images: `of` is better (nearer to real faces) than each of `others`, or has collapsed."""

    key: str
    says: str
    section: str
    of: str
    others: tuple[str, ...] = ()


IMAGES = (
    Images("wgan_images_are_best", "WGAN-GP's images are the best", "Figure 1, D", "wgan_gp", ("dcgan", "cgan")),
    Images("cgan_collapsed", "CGAN's images almost look like the same one", "Figure 1", "cgan"),
)


@dataclass(frozen=True)
class Human:
    """Human accuracy on FER-2013, in percent, as the paper cites it from Goodfellow et al. (2015)."""

    percent: float = 65.5
    plus_minus: float = 5.0


HUMAN = Human()


@dataclass(frozen=True)
class FigureRow:
    """A row of Figure 1: one image for each of CK+'s seven expressions, from one GAN family."""

    name: str
    family: str
    says: str


FIGURE1 = (
    FigureRow("DCGAN", "dcgan", "better than CGAN; gives the best accuracy all the same"),
    FigureRow("WGAN-GP", "wgan_gp", "the best image quality"),
    FigureRow("CGAN", "cgan", "the worst: little diversity, almost the same image each time; left out of Table 1"),
)
"""Figure 1, from the top line to the bottom."""
FIGURE1_CAPTION = (
    "Face images generated by three GANs. DCGAN, WGAN-GP and CGAN from top line to bottom. The images quality of "
    "WGAN-GP is the best, but CGAN is the worst because its generated images lack of diversity, they almost look like "
    "same one."
)


_FIRST_IDEA = "the paper's first idea, a support vector machine; it gives neither features nor a number"
OUR_CLASSIFIERS = {
    "svm": _FIRST_IDEA,
    "svm-hog": _FIRST_IDEA,
    "svm-lbp": _FIRST_IDEA,
    "l2svm": "a residual network with a support vector machine on top, trained end to end (Tang 2013)",
    "l2svm-folds": "the same network trained once for each fold of the training images, and averaged (Tang 2013)",
    "transformer": "a spatial transformer in front of a residual network: the paper names cascades",
    "two_level": "a cascade: first the group of expressions, then the expression within it",
    "null_model": "the paper's “empty” model: random filters, and a linear readout that learns (Bergstra and Cox 2013)",
    "svm-sift": _FIRST_IDEA,
    "bovw": "a bag of visual words with one support vector machine for all images (Ionescu et al. 2013)",
    "bovw-local": "a bag of visual words with its own classifiers for each image: local learning (Ionescu et al. 2013)",
    "local_learning": "local learning on visual words and on features of trained networks (Georgescu et al. 2019)",
    "mapped_lbp": "networks on grey faces and on mapped local binary patterns, averaged (Levi and Hassner 2015)",
    "dfsvm-scratch": "DF-SVM without pre-trained weights: nothing is frozen, and its VGGs learn from FER-2013 alone",
}
"""Classifiers of ours that rebuild what the paper speaks of outside of Table 1: what each of them is."""


@dataclass(frozen=True)
class Setting:
    """A setting that the paper states.

    Attributes:
        of: a classifier or GAN family of ours.
        key: the key of ours that it sets, dotted; or a name of its own where we have no such key.
        value: as the paper gives it.
        section: where it stands.
    """

    of: str
    key: str
    value: str
    section: str


def _network(name: str, model: str) -> tuple[Setting, ...]:
    stated = {
        "network": model,
        "optimiser": "SGD",
        "lr": "1e-4",
        "batch_size": "32",
        "epochs": "200",
        "augmentation.rotation": "yes; amount not stated",
        "augmentation.translation": "yes; amount not stated",
    }
    return tuple(Setting(name, key, value, "Experiment B") for key, value in stated.items())


def _family(name: str, kind: str, batch_size: str, epochs: str) -> tuple[Setting, ...]:
    stated = {
        "family": kind,
        "optimiser": "Adam",
        "lr": "1e-4",
        "batch_size": batch_size,
        "epochs": epochs,
    }
    return tuple(Setting(name, key, value, "Experiment A") for key, value in stated.items())


SETTINGS = (
    *_network("vgg16", "VGG-16 (Simonyan and Zisserman 2014)"),
    *_network("resnet50", "ResNET-50 (He et al. 2016)"),
    Setting("dfsvm", "features", "last fully connected layers of VGG-13, -16 and -19, joined", "Experiment B"),
    Setting("dfsvm", "normalisation", "L2 norm", "Experiment B"),
    Setting("dfsvm", "svm", "linear, scikit-learn's default parameters", "Experiment B"),
    Setting("dfsvm", "optimiser", "SGD", "Experiment C"),
    Setting("dfsvm", "lr", "1e-3", "Experiment C"),
    Setting("dfsvm", "epochs", "until accuracy on the validation set drops", "Experiment C"),
    *_family("dcgan", "DCGAN (Radford, Metz and Chintala 2015)", "16", "80"),
    *_family("wgan_gp", "Wasserstein with gradient penalty", "8", "200"),
    *_family("cgan", "conditional DCGAN with gradient penalty", "64", "not stated (“same with the other two GANs”)"),
)


def stated(of: str) -> dict[str, str]:
    """What the paper states of a classifier or family of ours, key to value; empty where it states nothing."""
    return {setting.key: setting.value for setting in SETTINGS if setting.of == of}
