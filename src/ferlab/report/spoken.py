"""Arms in words that need no glossary."""

from ferlab.params import CKPLUS, NONE, Params
from ferlab.report.matching import ADDS, kind

NETWORKS = {
    "resnet50": "ResNET-50",
    "vgg16": "VGG-16",
    "dfsvm": "DF-SVM",
    "svm": "a support vector machine on pixels",
    "svm-hog": "a support vector machine on gradients",
    "svm-lbp": "a support vector machine on textures",
    "svm-sift": "a support vector machine on dense SIFT",
    "bovw": "a bag of visual words",
    "bovw-local": "a bag of visual words with local learning",
}
GANS = {"dcgan": "DCGAN's", "wgan_gp": "WGAN-GP's", "cgan": "the conditional GAN's"}


def spoken(name: str, params: Params) -> str | None:
    """An arm by what it is, e.g. "ResNET-50 with DCGAN's images"; None where there are no such words for it."""
    arm = params.arms[name]
    network, plain = NETWORKS.get(arm.classifier), params.arms.get(arm.classifier)
    if network is None or plain is None or arm.model_dump(exclude=set(ADDS)) != plain.model_dump(exclude=set(ADDS)):
        return None
    if arm.synthetic not in (NONE, CKPLUS):
        return f"{network} with {GANS[arm.synthetic]} images" if arm.synthetic in GANS else None
    return {
        "plain": f"{network} alone" if arm.classifier in ("resnet50", "vgg16") else network,
        "steps": f"{network} alone, trained for longer",
        "oversampled": f"{network} with FER-2013's own images repeated",
        CKPLUS: f"{network} with CK+'s own images",
    }[kind(name, arm)]
