"""What the data sets of a study are called."""

from dataclasses import dataclass

from ferlab.papers import Paper
from ferlab.params import Params

_KNOWN = {"fer2013": "FER-2013", "ckplus": "CK+"}


@dataclass(frozen=True)
class DataSets:
    """Names in words.

    Attributes:
        train: of the set that is trained and tested on.
        gan: of the set that GANs learn from; it may be the same.
    """

    train: str
    gan: str

    @classmethod
    def of(cls, params: Params, paper: Paper) -> "DataSets":
        """As paper.yaml calls them; else as params.yaml does."""
        names = _KNOWN | paper.data_sets
        train, gan = params.data.train, params.data.gans
        return cls(names.get(train, train), names.get(gan, gan))

    @property
    def both(self) -> str:
        """E.g. "FER-2013 and CK+"."""
        return self.train if self.train == self.gan else f"{self.train} and {self.gan}"
