"""What users are shown: no password, and names that others chose are shown and not obeyed."""

import pytest

from ferlab.errors import UserError, masked, printable


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


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("größe 顔 é.png", "größe 顔 é.png"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nb\r\tc\0", "a\\nb\\r\\tc\\x00"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("a\x9b31mb\u2028c", "a\\x9b31mb\\u2028c"),
        ("bad\udcff", "bad\\udcff"),  # a name that is no UTF-8
    ],
)
def test_controls_are_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown
    shown.encode()  # a terminal can be given it


def test_a_long_name_is_shortened_in_the_middle() -> None:
    shown = printable("a" * 2500 + "b" * 2500)
    assert shown.startswith("aaa")
    assert shown.endswith("bbb")
    assert "(5,000 characters)" in shown
    assert len(shown) < 250


def test_errors_obey_nothing_in_any_part() -> None:
    text = str(
        UserError(
            "what \x1b]0;title\x07\nsecond line", where="\x1b[31mplace\nforged", next_step="\u202estep" + "x" * 5000
        )
    )
    assert [line.split(":")[0] for line in text.splitlines()][:2] == ["what \\x1b]0;title\\x07", "second line"]
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text) < 1500
