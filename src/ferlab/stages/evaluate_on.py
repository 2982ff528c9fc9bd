"""evaluate_on: what a run says of another data set's images (cross-dataset evaluation).

Classes are matched by name. Images of a class that the run doesn't know are left out, since no answer would be right.
"""

import numpy as np

from ferlab.adapters.known import find_named
from ferlab.adapters.tracking import tracked
from ferlab.classifiers.blockwise import predict_blockwise
from ferlab.classifiers.catalogue import METHODS, faces_of, load_run, must_see
from ferlab.data.images import ImageSet, of_classes
from ferlab.errors import UserError
from ferlab.evaluation import metrics, predictions
from ferlab.evaluation.predictions import Predictions
from ferlab.params import Compute
from ferlab.stages.context import Context, Stage
from ferlab.training.identity import flatten
from ferlab.training.seeding import set_up


def run(context: Context) -> None:
    classifier, record = load_run(context.input("run"))
    set_up(Compute.model_validate(record.manifest["params"]["plan"]["compute"]).threads)
    name, classes = context.arguments["set"], faces_of(record).classes
    whole = ImageSet.open(context.input("images"))
    must_see(record, whole)
    images = known_to(classes, whole)
    if METHODS[record.settings.method].slow:
        said = predict_blockwise(classifier, np.asarray(images.images), context.checkpoints.child(name))
    else:
        said = classifier.predict_proba(images.images)
    found = Predictions.of(images, said, record.identity)
    predictions.write(context.out("predictions"), found)
    scores = metrics.scores(found)
    told = [key for key in ("accuracy", "expected_accuracy", "vote_cross_entropy") if key in scores]
    if find_named(context.project, "classifiers", record.identity):
        with tracked(
            context.project,
            "classifiers",
            f"{record.arm}-{record.seed}",
            identity=record.identity,
            params=flatten(record.settings.model_dump(mode="json")) | {"arm": record.arm, "seed": record.seed},
            tags={"stage": "train", "arm": record.arm, "seed": str(record.seed), "budget": context.params.budget},
            afterwards=True,
        ) as known_run:
            known_run.figures({f"{name}_{key}": scores[key] for key in told})
    context.say(
        f"accuracy {scores['accuracy']:.4f} of {len(images)} images; {len(whole) - len(images)} of unknown classes"
    )
    if METHODS[record.settings.method].slow:
        context.checkpoints.clear()


def known_to(classes: tuple[str, ...], images: ImageSet) -> ImageSet:
    """The images of classes that a classifier knows, labelled by its numbers.

    Raises:
        UserError: there is none.
    """
    known = of_classes(images, classes)
    if not len(known):
        raise UserError(
            f"the set {images.split} has {', '.join(images.classes)}, none of which this run knows "
            f"({', '.join(classes)})",
            where="params.yaml: run.evaluate_on",
            next_step="name another set, or add it with --classes that have the same names",
        )
    return known


STAGE = Stage(
    name="evaluate_on",
    run=run,
    arguments=("arm", "seed", "set"),
    keys=(),
    rooms=("data", "training", "evaluation"),
    told_code=True,
    inputs={"images": "work/further/{set}", "run": "work/runs/{arm}-{seed}"},
    outs={"predictions": "reports/{budget}/predictions/{set}/{arm}-{seed}.parquet"},
)
