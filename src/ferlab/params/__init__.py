"""The one schema of params.yaml.

Every number that can change a result stands in params.yaml and is checked here on load. It is the whole truth: there
are no defaults in the code, unknown keys are refused, and each error names the key, the value and what is allowed.
"""

from ferlab.params.classifiers import (
    Augmentation,
    Classifier,
    NetworkClassifier,
    ResnetClassifier,
    SvmClassifier,
    Tune,
    VggClassifier,
)
from ferlab.params.data import Audit, Data
from ferlab.params.experiment import CKPLUS, NONE, Arm, Compute, Run, Runtime
from ferlab.params.gan import Gan, GanFamily, Quality, Synthesis
from ferlab.params.schema import Params, check, load
from ferlab.params.section import Section

__all__ = [
    "CKPLUS", "NONE", "Arm", "Audit", "Augmentation", "Classifier", "Compute", "Data", "Gan", "GanFamily",
    "NetworkClassifier", "Params", "Quality", "ResnetClassifier", "Run", "Runtime", "Section", "SvmClassifier",
    "Synthesis", "Tune", "VggClassifier", "check", "load",
]  # fmt: skip
