"""Arms in words that need no glossary."""

from ferlab.papers import Paper
from ferlab.params import CKPLUS, NONE, Params
from ferlab.report.data_sets import DataSets
from ferlab.report.matching import ADDS, kind


def spoken(name: str, params: Params, paper: Paper) -> str | None:
    """An arm by what it is, e.g. "ResNET-50 with DCGAN's images"; None where there are no such words for it."""
    arm = params.arms[name]
    network, plain = paper.networks.get(arm.classifier), params.arms.get(arm.classifier)
    if network is None or plain is None or arm.model_dump(exclude=set(ADDS)) != plain.model_dump(exclude=set(ADDS)):
        return None
    if arm.synthetic not in (NONE, CKPLUS):
        return f"{network} with {paper.gans[arm.synthetic]} images" if arm.synthetic in paper.gans else None
    sets = DataSets.of(params, paper)
    lifted = arm.classifier in {pair[1] for claim in paper.claims if claim.added for pair in claim.pairs}
    return {
        "plain": f"{network} alone" if lifted else network,
        "steps": f"{network} alone, trained for longer",
        "oversampled": f"{network} with {sets.train}'s own images repeated",
        CKPLUS: f"{network} with {sets.gan}'s own images",
    }[kind(name, arm)]
