"""MLflow's model registry: the best run of an arm, under a name and an alias."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from ferlab.adapters.models import REGISTERED, models_of, tagged
from ferlab.adapters.store import connect, experiment_named
from ferlab.adapters.store_run import IDENTITY
from ferlab.errors import UserError
from ferlab.project import Project

EXPERIMENT = "classifiers"
CARD = "MODEL_CARD.md"  # an artifact of the run
LONGEST = 5000  # characters of a version's description; MLflow's database takes no more


@dataclass(frozen=True)
class Registered:
    """A version of a registered model.

    Attributes:
        run: the name of the MLflow run that it is from.
        valid_accuracy: of that run, 0-1: what made it the best.
        is_new: whether this call made it.
    """

    name: str
    version: str
    alias: str
    run: str
    valid_accuracy: float
    is_new: bool


def register(
    project: Project,
    arm_tag: str,
    name: str,
    alias: str,
    identities: Callable[[str], Mapping[str, str]],
    card: Callable[[str], str],
) -> Registered:
    """Register the classifier of an arm's best run by validation accuracy, and point the alias at it.

    A classifier that is registered already gets no second version.

    Args:
        arm_tag: see `models.best_of`.
        name: of the registered model, made if there is none.
        identities: a training's identity -> the version's tags.
        card: a training's identity -> the model's card in Markdown: the version's description, and an artifact of its
            run.

    Raises:
        UserError: the store can't be reached or refuses a name; or no run of the arm has logged its classifier.
    """
    client = connect(project)
    run = _best(project, client, arm_tag)
    models = models_of(client, run) if run else []
    if run is None or not models:
        raise UserError(
            f"no run of {arm_tag} has its classifier in MLflow",
            where=project.tracking_uri,
            next_step="`dvc repro` trains it; a result that was fetched instead of trained here has none",
        )
    identity = run.data.tags[IDENTITY]
    model, tags, text = models[0], identities(identity), card(identity)
    try:
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        versions = client.search_model_versions(f"name = '{name}'")
        known = [one for one in versions if one.tags.get(REGISTERED) == model.model_id]
        version = (
            known[0]
            if known
            else client.create_model_version(
                name,
                f"models:/{model.model_id}",
                run.info.run_id,
                tags={**tags, REGISTERED: model.model_id},
                model_id=model.model_id,
            )
        )
        client.log_text(run.info.run_id, text, CARD)
        client.update_model_version(name, str(version.version), _shortened(text))
        client.set_logged_model_tags(model.model_id, {REGISTERED: name})
        client.set_registered_model_alias(name, alias, str(version.version))
    except MlflowException as error:
        raise UserError(
            f"the registry refuses {name}: {error.message}", where=project.tracking_uri, next_step="choose another name"
        ) from error
    accuracy = float(run.data.metrics["best_valid_accuracy"])
    return Registered(name, str(version.version), alias, str(run.info.run_name), accuracy, not known)


def _shortened(card: str) -> str:
    """A card as far as a description holds it, by whole lines."""
    if len(card) <= LONGEST:
        return card
    rest = f"\n(The rest is in the run's {CARD}.)\n"
    return card[: card.rindex("\n", 0, LONGEST - len(rest))] + rest


def _best(project: Project, client: MlflowClient, arm_tag: str) -> Run | None:
    found = experiment_named(project, client, EXPERIMENT)
    runs = tagged(client, found.experiment_id, arm_tag) if found else []
    return max(runs, key=lambda run: run.data.metrics["best_valid_accuracy"], default=None)
