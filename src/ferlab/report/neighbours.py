"""The systems that the paper quotes, as data: what was printed of each, and which arm or ensemble of ours is beside it.

Sources, and what ours assumes where they are silent, stand in docs/neighbours.md.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Neighbour:
    """A system whose accuracy on FER-2013's test split somebody printed, or that the paper names without a figure.

    Attributes:
        name: in words.
        percent: the printed accuracy; None where none was printed for FER-2013.
        source: who printed it.
        arms: ours, by preference; the first that has run stands beside it. Empty for what can't be run.
        ensemble: whether the seeds of the arm are averaged; or, with no arm, all networks.
        assumed: what ours takes where the source is silent or too large.
        differs: why the two figures differ.
        plus_minus: as printed, in points.
    """

    name: str
    percent: float | None
    source: str
    arms: tuple[str, ...] = ()
    ensemble: bool = False
    assumed: str = ""
    differs: str = ""
    plus_minus: float | None = None


_SMALL = "our networks have this budget's size and length of training"
NEIGHBOURS = (
    Neighbour(
        "people",
        65.0,
        "Goodfellow et al. 2013, 2015",
        assumed="for reference only. The paper prints 65.5 ± 5 and cites them; 65.5 is "
        "what Bergstra and Cox print for four null models",
        plus_minus=5.0,
    ),
    Neighbour(
        "null model: only a linear readout learns",
        60.0,
        "Bergstra and Cox 2013",
        ("null_model",),
        assumed="one layer of random filters; a ridge readout instead of their support vector machine",
        differs="their search chose among far larger models, of several layers",
    ),
    Neighbour(
        "null models, four together",
        65.5,
        "Bergstra and Cox 2013",
        ("null_model",),
        ensemble=True,
        assumed="the average over seeds of one architecture",
        differs="theirs are four architectures, each searched to correct the errors of the previous ones",
    ),
    Neighbour(
        "bag of visual words with local learning",
        67.48,
        "Ionescu, Popescu and Grozea 2013",
        ("bovw-local", "bovw"),
        assumed="dense SIFT of three sizes, equal weights for all levels of the pyramid, least-squares classifiers",
        differs="theirs has about seventeen times as many words and three times as many neighbours",
    ),
    Neighbour(
        "network with an L2-SVM on top",
        71.16,
        "Tang 2013",
        ("l2svm-folds", "l2svm"),
        assumed="the network is this budget's ResNet; C is ours",
        differs=f"his network and number of epochs are different; {_SMALL}",
    ),
    Neighbour(
        "deep features and visual words with local learning",
        75.42,
        "Georgescu, Ionescu and Popescu 2019",
        ("local_learning",),
        assumed="equal weights for each kind of features; least-squares classifiers",
        differs=f"theirs has larger networks, two of them pre-trained; {_SMALL}",
    ),
    Neighbour(
        "mapped local binary patterns",
        None,
        "Levi and Hassner 2015, on other data",
        ("mapped_lbp",),
        assumed="codes of the augmented images; classical scaling of the codes' distances; the networks' mean decides",
    ),
    Neighbour(
        "dense SIFT with a support vector machine",
        None,
        "the paper only names the feature",
        ("svm-sift",),
        assumed="upright descriptors of one size, averaged in each cell of a grid",
    ),
    Neighbour(
        "cascade: a spatial transformer first",
        None,
        "the paper only names cascades; Jaderberg et al. 2015",
        ("transformer",),
        assumed="rotation, scale, shift and shear of the view, learned with the classifier",
    ),
    Neighbour(
        "cascade: groups of expressions, then within",
        None,
        "the paper only names cascades",
        ("two_level",),
        assumed="the groups of expressions in params.yaml",
    ),
    Neighbour(
        "seven networks together",
        76.82,
        "ResidualMaskingNetwork, public",
        ensemble=True,
        assumed="the average over every network of this budget",
        differs=f"theirs start from ImageNet's weights at 224 pixels; {_SMALL}",
    ),
)
"""In the order of the page."""
