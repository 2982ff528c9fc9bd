"""The one exception that a user is meant to see."""


class UserError(Exception):
    """Something that the user can mend: shown as one message with exit code 2, never as a traceback.

    Args:
        what: what was wrong, naming the value.
        where: the file, key or command in which it was found.
        next_step: what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        self.what, self.where, self.next_step = what, where, next_step
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.next_step:
            lines.append(f"  next:  {self.next_step}")
        return "\n".join(lines)
