"""What people know the data sets by: whose faces they are, who may have them, how they are cited."""

from dataclasses import dataclass

from ferlab.datasets import affectnet, ckplus_original, ferplus, folders, rafdb, registry
from ferlab.datasets.forms import CKPLUS, FER2013
from ferlab.params import Params

RESEARCH = "Given out by its authors for research. It may not be passed on: whoever wants it asks them for it."
MIT = "https://spdx.org/licenses/MIT"
_WEB, _LABORATORY = "faces of real persons, found on the web", "faces of real persons, filmed in a laboratory"


@dataclass(frozen=True)
class About:
    """A data set.

    Attributes:
        name: for people.
        faces: whose they are.
        licence: its URL, or in words.
        source: where it is described; cited: how it is cited.
    """

    name: str
    faces: str
    licence: str
    source: str | None = None
    cited: str | None = None


_FER2013 = (
    "https://arxiv.org/abs/1307.0414",
    "Goodfellow et al. (2013): Challenges in Representation Learning: A report on three machine learning contests",
)
_CKPLUS = (
    "https://doi.org/10.1109/CVPRW.2010.5543262",
    "Lucey et al. (2010): The Extended Cohn-Kanade Dataset (CK+): A complete dataset for action unit and "
    "emotion-specified expression",
)
_KNOWN = {
    FER2013: (_WEB, RESEARCH, *_FER2013),
    CKPLUS: (_LABORATORY, RESEARCH, *_CKPLUS),
    ckplus_original.NAME: (_LABORATORY, RESEARCH, *_CKPLUS),
    ferplus.NAME: (_WEB, f"The votes: {MIT}. The images: {RESEARCH}", *_FER2013),
    rafdb.NAME: (_WEB, RESEARCH),
    affectnet.NAME: (_WEB, RESEARCH),
}
"""Form -> what `About` says beside the name."""
_UNKNOWN = ("pictures of which ferlab knows no origin", "That of its pictures; ferlab doesn't know it.")


def described_sets(params: Params) -> tuple[str, ...]:
    """The data sets that a report rests on, by what params.yaml calls them."""
    return tuple(dict.fromkeys((*params.data.used, *params.run.evaluate_on)))


def form_of(dataset: str, params: Params) -> str:
    """In which form a data set is given out, by its name in `datasets/registry.py`."""
    return params.data.sets[dataset].form if dataset in params.data.sets else dataset


def about(dataset: str, params: Params) -> About:
    """What one of `described_sets` is."""
    form = form_of(dataset, params)
    titles = {one.name: one.title for one in registry.FORMS if one.name != folders.NAME}
    title = titles.get(form, dataset)  # of another package's form, which needn't be installed, the set's own name
    if params.data.kind == "demo" and form in (FER2013, CKPLUS):
        return About(f"ferlab demo, as {title}", "faces that a program draws, of nobody", MIT)
    return About(title, *_KNOWN.get(form, _UNKNOWN))
