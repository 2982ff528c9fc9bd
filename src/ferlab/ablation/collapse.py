"""GANs of one family at varied settings, each trained, assessed and noted once: when does a family collapse?"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.gan.fit import TrainedGan
from ferlab.params import GanFamily, Params
from ferlab.params.study import GanStudy
from ferlab.project import Project
from ferlab.quality.assess import assess
from ferlab.quality.features import hog
from ferlab.records.assessed import AssessedGan, append_assessed, read_assessed
from ferlab.records.quality import ClassQuality
from ferlab.stages import gan
from ferlab.stages.context import Context
from ferlab.stages.ledger import circumstances, circumstances_of_training, note_training
from ferlab.synthesis.sample import draw
from ferlab.training.observe import Progress
from ferlab.training.seeding import derive


@dataclass(frozen=True)
class Candidate:
    """One GAN of a study: a point of its settings, an expression and a draw.

    Attributes:
        context: a call of the stage `gan` whose family has these settings.
    """

    point: str
    label: str
    settings: GanFamily
    context: Context

    @property
    def identity(self) -> str:
        """That of its training's MLflow run; the pipeline's own GAN of these settings has the same."""
        return f"{self.context.identity.name}-{self.label}"

    @property
    def draw(self) -> int:
        return int(self.context.arguments["draw"])


def candidates(
    project: Project, params: Params, study: GanStudy, *, quiet: bool, progress: Progress
) -> Iterator[Candidate]:
    """A study's GANs: all settings of the first draw come before the second, so that a study that stops compares them.

    Raises:
        UserError: the family has no GAN of a label of its own.
    """
    for number in study.draws:
        arguments = {"family": study.family, "draw": str(number)}
        for label in study.labels:
            for point, settings in study.points.items():
                families = params.gan.families | {study.family: settings}
                own = params.model_copy(update={"gan": params.gan.model_copy(update={"families": families})})
                context = Context(project, gan.STAGE, arguments, own, quiet, progress=progress)
                if label not in gan.labels(context):
                    raise UserError(
                        f"the family {study.family} has no GAN of '{label}'",
                        where="the study's labels",
                        next_step=f"it has {', '.join(gan.labels(context))}",
                    )
                yield Candidate(point, label, settings, context)


def run(wanted: Collection[Candidate], name: str, heard: Callable[[AssessedGan], None]) -> None:
    """Train and assess what hasn't been, a line each in reports/`name`/; a killed training goes on where it was.

    Args:
        heard: called with each new line.
    """
    for one in wanted:
        folder = one.context.project.reports(name)
        if one.identity not in {line.identity for line in read_assessed(folder)}:
            line = _assessed(one)
            append_assessed(folder, line)
            _clear(one)
            heard(line)


def _assessed(one: Candidate) -> AssessedGan:
    context, params = one.context, one.context.params
    project = context.project
    if not context.checkpoints.child(one.label).folder.exists():
        note_training(project, one.identity, circumstances(project, params.compute.instructions, context.device))
    trained = gan.train_label(context, one.label)
    real = ImageSet.open(context.input("ckplus"))
    images = _drawn(one, trained, real)
    found, _ = assess({one.point: images}, real, params.quality, hog)
    family = context.arguments["family"]
    made = circumstances_of_training(project, one.identity)
    return AssessedGan(
        identity=one.identity,
        manifest=dict(context.identity.manifest),
        family=family,
        label=one.label,
        draw=one.draw,
        settings=one.settings,
        seed=derive(params.gan.seed + one.draw, family, one.label),
        steps=-(-real.counts()[one.label] // one.settings.batch_size) * len(trained.history),
        images=images.digest(),
        quality=ClassQuality.of(found[one.point][one.label]),
        made=made or circumstances(project, params.compute.instructions, context.device),
        ended=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _drawn(one: Candidate, trained: TrainedGan, real: ImageSet) -> ImageSet:
    """As many images as a synthetic set of params.yaml has of a class, from the same noise."""
    n, family = one.context.params.synthesis.per_class, one.context.arguments["family"]
    seed = derive(one.context.params.synthesis.seed + one.draw, family, one.label)
    number = real.classes.index(one.label)
    return ImageSet(
        draw(trained.generator, one.settings.latent, number, n, seed),
        np.full(n, number, dtype=np.int64),
        real.classes,
        tuple(f"{family}/{one.identity}/{i:06d}" for i in range(n)),
        ("",) * n,
        (family,) * n,
        "synthetic",
    )


def _clear(one: Candidate) -> None:
    """Delete a finished training's checkpoint, of some 70 MB, unless the pipeline is at work on the same GANs."""
    checkpoints = one.context.checkpoints
    if not (checkpoints.folder / "slot.json").exists():
        checkpoints.child(one.label).clear()
