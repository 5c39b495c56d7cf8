"""Texts of albatross. Their bytes are validated by nobody: they are kept as bytes or made printable here."""

from __future__ import annotations


def shown(raw: bytes | memoryview) -> str:
    """Bytes as printable text: what is not printable UTF-8 is written as an escape such as `\\x1b`.

    The result is safe for a database, a log and a terminal; HTML still has to be escaped.
    """
    text = bytes(raw).decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
