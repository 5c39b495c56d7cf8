"""Lines for a POSIX shell that hold text from outside.

Quoting follows shlex. Characters that nobody sees, or that a terminal obeys while somebody pastes them
(controls, also those of direction, and bytes that are no UTF-8), are written as octal escapes of `printf`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Secret:
    """A value that is never shown: a shell variable, and where a person gets what belongs into it."""

    variable: str
    where: str


def quote(text: str) -> str:
    """Return one word of a shell line that says exactly `text`; line breaks stay as they are.

    Bytes that are no UTF-8 come as surrogates (`surrogateescape`). Raises ValueError for a NUL, which no
    argument of a program can hold.
    """
    if "\0" in text:
        raise ValueError("no shell word holds a NUL")
    if all(character.isprintable() or character == "\n" for character in text):
        return shlex.quote(text)
    body = text.rstrip("\n")  # a command substitution takes the last ones away
    after = text[len(body) :]
    escaped = "".join(map(_escaped, body))
    if escaped.startswith("-"):  # no option of printf
        escaped = f"\\055{escaped[1:]}"
    return f"\"$(printf '{escaped}')\"" + (shlex.quote(after) if after else "")


def _escaped(character: str) -> str:
    if character in "%\\'" or not (character.isprintable() or character == "\n"):
        return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
    return character


def line(words: Iterable[str]) -> str:
    """Return one command."""
    return " ".join(quote(word) for word in words)


def comment(text: str) -> str:
    """Return text as comments, whatever is in it."""
    shown = "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
    return "\n".join(f"# {part}" for part in shown.split("\n"))


def block(*lines: str, secrets: Iterable[Secret] = ()) -> str:
    """Return lines that are run together in a shell of their own: it stops at the first failure, and leaves
    the folder and the variables of whoever pastes it alone. Secrets are asked for before anything is done."""
    wanted = list(secrets)
    return "\n".join(
        [
            *(comment(f"{each.variable}: {each.where}") for each in wanted),
            "(",
            "set -eu",
            *(f': "${{{each.variable}:?}}"' for each in wanted),
            *lines,
            ")",
        ]
    )


def published(remote: str, branch: str, message: str, *changes: str) -> list[str]:
    """Return the lines that clone a branch, change it in the clone's folder, commit and push. A change that
    changes nothing is no commit."""
    return [
        'folder="$(mktemp -d)"',
        f'git clone --depth 1 --branch {quote(branch)} {quote(remote)} "$folder"',
        'cd "$folder"',
        *changes,
        f"git diff --cached --quiet || git commit -m {quote(message)}",
        f"git push origin {quote(f'HEAD:{branch}')}",
    ]
