"""Settings of classifiers that other packages bring: checked by the same schema, in the same words."""

import json
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Discriminator, SerializeAsAny, Tag, ValidationError, WrapValidator
from pydantic_core import InitErrorDetails, PydanticCustomError, PydanticKnownError

from ferlab.errors import UserError
from ferlab.params.classifiers import BuiltIn
from ferlab.params.explain import in_the_file
from ferlab.params.section import Section
from ferlab.parts import CLASSIFIERS, TAKEN, ClassifierPart, offers


class OwnClassifier(Section):
    """What the settings of another package's classifier are a subclass of; `method` is a Literal of its one name."""

    method: str


def own_classifier(name: str) -> ClassifierPart:
    """The classifier of another package.

    Raises:
        KeyError: there is none of this name.
        UserError: as `parts.Offer.load`, or its settings aren't as `ClassifierPart` says.
    """
    offer = offers(CLASSIFIERS)[name]
    part = offer.load(ClassifierPart)
    settings = part.settings
    is_section = isinstance(settings, type) and issubclass(settings, OwnClassifier)
    if not is_section or get_args(settings.model_fields["method"].annotation) != (name,):
        raise UserError(
            f"the settings of the classifier '{name}' of {offer.package} are {settings!r}, which is no "
            f"OwnClassifier whose method is Literal['{name}']",
            where=f"{offer.module}: ClassifierPart",
            next_step="name such settings there (docs/guide/own_parts.md)",
        )
    return part


def knows_colour(settings: BaseModel) -> bool:
    """Whether a classifier with these settings takes faces in RGB; ferlab's own all do.

    Raises:
        UserError: as `own_classifier`.
    """
    return not isinstance(settings, OwnClassifier) or own_classifier(settings.method).colour


def _whose(value: Any) -> str:
    """Whether settings are ferlab's own or another package's; no package is looked at where they are its own."""
    if isinstance(value, OwnClassifier):
        return "own"
    method = value.get("method") if isinstance(value, dict) else getattr(value, "method", None)
    return "own" if isinstance(method, str) and method not in TAKEN[CLASSIFIERS] and offers(CLASSIFIERS) else "ferlab"


def _check(value: Any, _: Any) -> OwnClassifier:
    """Check settings against the model that their `method` names."""
    if isinstance(value, OwnClassifier):
        return value
    name, known = value["method"], offers(CLASSIFIERS)
    if name not in known:
        tags = ", ".join(f"'{one}'" for one in (*TAKEN[CLASSIFIERS], *known))
        said = {"discriminator": "'method'", "tag": name, "expected_tags": tags}
        raise PydanticKnownError("union_tag_invalid", said)
    settings = own_classifier(name).settings
    try:
        checked: OwnClassifier = settings.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise _with_paths_of_the_file(error, settings) from None
    return checked


def _with_paths_of_the_file(error: ValidationError, model: type[BaseModel]) -> ValidationError:
    """The same without the names of unions' members, which the schema around it can't know."""
    lines = []
    for item in error.errors(include_url=False):
        kind = PydanticCustomError(item["type"], "{said}", {"said": item["msg"], **item.get("ctx", {})})
        place = tuple(in_the_file(item["loc"], model).split(".")) if item["loc"] else ()
        lines.append(InitErrorDetails(type=kind, loc=place, input=item["input"]))
    return ValidationError.from_exception_data(error.title, lines)


Classifier = Annotated[
    Annotated[BuiltIn, Tag("ferlab")] | Annotated[SerializeAsAny[OwnClassifier], WrapValidator(_check), Tag("own")],
    Discriminator(_whose),
]
