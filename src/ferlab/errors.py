"""The one exception that a user is meant to see, how names that others chose are shown, and what nobody is to see."""

import re
import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode's controls, formats, halves of characters, line ends
_NAME, _LINE = 200, 1000  # characters of a name and of a line that are shown
_USER = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^\s/:'\"?#]*):(?!\d+[/?#])[^\s'\"]*@(?=[^\s@])")
_IN_QUERY = re.compile(
    r"(?i)([?&;](?:[a-z_-]*(?:password|passwd|pwd|token|secret|api_?key|signature|sig))=)[^\s&;'\"#]*"
)
HIDDEN = "***"


def printable(text: object, longest: int = _NAME) -> str:
    """Any name in one line that a terminal shows and doesn't obey: controls are escaped, a long middle is left out."""
    text = str(text)
    if len(text) > longest:
        text = f"{text[: longest // 2]}… ({len(text):,} characters) …{text[-longest // 2 :]}"
    if text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in _HIDDEN else c for c in text)


def masked(text: str) -> str:
    """A text without the passwords of the URLs in it: `http://me:secret@host` becomes `http://me:***@host`.

    Also those that a URL carries as a parameter, such as `?password=…` or `&token=…`.
    """
    return _IN_QUERY.sub(rf"\g<1>{HIDDEN}", _USER.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text))


class UserError(Exception):
    """Something that the user can mend: shown as one message with exit code 2, never as a traceback.

    Passwords of URLs are masked in all three.

    Args:
        what: what was wrong, naming the value.
        where: the file, key or command in which it was found.
        next_step: what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        self.what, self.where, self.next_step = masked(what), masked(where), masked(next_step)
        super().__init__(self.what)

    def __str__(self) -> str:
        lines = self.what.split("\n")
        if self.where:
            lines.append(f"  where: {printable(self.where, _LINE)}")
        if self.next_step:
            lines.extend(f"  next:  {self.next_step}".split("\n"))
        return "\n".join(printable(line, _LINE) for line in lines)
