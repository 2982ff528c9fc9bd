"""The one schema of params.yaml.

Every number that can change a result stands in params.yaml and is checked here on load. It is the whole truth: there
are no defaults in the code, unknown keys are refused, and each error names the key, the value and what is allowed.
"""

from ferlab.params.classifiers import (
    Augmentation,
    DfsvmClassifier,
    FoldsClassifier,
    L2svmSettings,
    Localiser,
    LocalLearningClassifier,
    MappedLbpClassifier,
    Member,
    NetworkClassifier,
    ResnetClassifier,
    SvmClassifier,
    TransformerClassifier,
    TwoLevelClassifier,
    VggClassifier,
)
from ferlab.params.data import Audit, Data
from ferlab.params.experiment import CKPLUS, NONE, Arm, Compute, Run, Runtime
from ferlab.params.features import Features, HogFeatures, LbpFeatures, PixelFeatures, SiftFeatures
from ferlab.params.following import paced_by
from ferlab.params.gan import Gan, GanFamily, Quality, Synthesis
from ferlab.params.null_model import NullModelClassifier
from ferlab.params.own import Classifier, OwnClassifier
from ferlab.params.schema import Params, check, load
from ferlab.params.section import Section
from ferlab.params.tuning import Median, Range, Scalar, SuccessiveHalving, Transfer, Tune, with_values
from ferlab.params.visual_words import BovwClassifier, DenseSift, VisualWords

__all__ = [
    "CKPLUS", "NONE", "Arm", "Audit", "Augmentation", "BovwClassifier", "Classifier", "Compute", "Data", "DenseSift",
    "DfsvmClassifier", "Features", "FoldsClassifier", "Gan", "GanFamily", "HogFeatures", "L2svmSettings", "LbpFeatures",
    "LocalLearningClassifier", "Localiser", "MappedLbpClassifier", "Median", "Member", "NetworkClassifier",
    "NullModelClassifier", "OwnClassifier", "Params", "PixelFeatures", "Quality", "Range", "ResnetClassifier", "Run",
    "Runtime", "Scalar", "Section", "SiftFeatures", "SuccessiveHalving", "SvmClassifier", "Synthesis", "Transfer",
    "TransformerClassifier", "Tune", "TwoLevelClassifier", "VggClassifier", "VisualWords", "check", "load", "paced_by",
    "with_values",
]  # fmt: skip
