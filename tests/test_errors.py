"""What is told to a user holds no password."""

import pytest

from ferlab.errors import UserError, masked


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@host:5000/x",
        "postgresql+psycopg://me:secret@host/studies",
        "mysql://me:sec@ret/secret@host/x",
        "http://:secret@host",
        "https://host/x?user=me&password=secret",
        "https://host/x?access_token=secret&y=1",
        "s3://key:secret@bucket/x",
        "http://me:secret#?/@host/x",
    ],
)
def test_no_password_of_any_url_is_told(url: str) -> None:
    for text in (url, f"no answer from '{url}' (refused)", f"{url} and {url}"):
        assert "secret" not in masked(text)
        assert "host" in masked(text) or "bucket" in masked(text)
        assert "secret" not in str(UserError(text, where=text, next_step=text))


@pytest.mark.parametrize(
    "text",
    [
        "http://host:8080/a@b", "sqlite:////home/a:b@c/x.db", "file:///a/b", "me@example.org: no", "git@host:a/b.git",
        "the token=abc of a text",
    ],
)  # fmt: skip
def test_other_text_stays_as_it_is(text: str) -> None:
    assert masked(text) == text
