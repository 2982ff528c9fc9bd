"""What every record is: frozen, complete, without unknown keys; read and written whole."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from ferlab.errors import UserError
from ferlab.files import canonical_json, write_json

ANEW = "`dvc repro` makes it anew"


def first_fault(error: ValidationError, whole: str) -> str:
    """The first thing that is wrong, by its key; `whole` names what has none."""
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or whole}: {first['msg'].lower()}"


class Record(BaseModel):
    """A JSON file of known content."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def of(cls, values: Any) -> Self:
        """The record of plain JSON values, as a computation leaves them."""
        return cls.model_validate_json(canonical_json(values), strict=True)

    @classmethod
    def read(cls, path: Path, *, next_step: str = ANEW) -> Self:
        """The record in a file.

        Raises:
            UserError: there is no such file, it is damaged, or of another version; what makes it anew is named.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(
                f"{path.name} can't be read: {error.strerror}", where=str(path), next_step=next_step
            ) from None
        return cls.parse(content, path, next_step=next_step)

    @classmethod
    def parse(cls, content: str | bytes, path: Path, *, next_step: str = ANEW) -> Self:
        """The record in a file's content, JSON; `path` names the file in errors, which are those of `read`."""
        try:
            return cls.model_validate_json(content, strict=True)
        except ValidationError as error:
            raise UserError(
                f"{path.name} is no {cls.__name__} of this version: {first_fault(error, 'the file')}",
                where=str(path),
                next_step=next_step,
            ) from None

    def write(self, path: Path) -> None:
        """Write it as canonical JSON, atomically."""
        write_json(path, self.model_dump(mode="json"))
