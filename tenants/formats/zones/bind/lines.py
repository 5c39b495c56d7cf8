"""The lines of a zone file as BIND and everybody else writes them (RFC 1035 §5.1), with their true numbers.

Only what spans the records is done here: comments, quotes, parentheses, who owns a line. The data of each
record are left as words for dnspython.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Statement", "statements"]

_PIECE = re.compile(
    r"""(?P<blank>[ \t\r\f\v]+)
    | (?P<comment>;[^\n]*)
    | (?P<newline>\n)
    | (?P<mark>[()])
    | (?P<quoted>"(?:[^"\\\n]|\\[^\n])*+")
    | (?P<open>")
    | (?P<word>(?:[^ \t\r\f\v\n;()"\\]|\\[^\n]|\\(?=\n|\Z))++)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Statement:
    """One directive or record.

    `first` and `last` are line numbers from 1; `indented` whether the first line begins with a blank, so that
    the owner of the record before goes on; `words` keep their quotes and escapes. `problem` is a sentence
    when the statement is broken: a quote or parenthesis that is never closed.
    """

    first: int
    last: int
    indented: bool
    words: tuple[str, ...]
    problem: str = ""


def statements(text: str) -> Iterator[Statement]:
    """Yield the statements of a file in order; empty lines and comments are left out. Linear in its size."""
    line = first = 1
    words: list[list[str]] = []
    depth, indented, fresh, problem = 0, False, True, ""
    end = -1
    for piece in _PIECE.finditer(text):
        kind = piece.lastgroup
        if kind == "newline":
            line += 1
            if depth == 0:
                if words or problem:
                    yield Statement(first, line - 1, indented, _joined(words), problem)
                words, indented, fresh, problem, first = [], False, True, "", line
            continue
        if kind == "blank":
            indented = indented or fresh
        elif kind == "mark":
            depth, problem = _parenthesis(piece[0], depth, problem)
            first = line if fresh and not words else first
        elif kind == "open":
            problem = problem or "A quotation mark is never closed on its line."
        elif kind in {"word", "quoted"}:
            first = first if words else line
            if words and piece.start() == end:  # alpn="h2" is one word
                words[-1].append(piece[0])
            else:
                words.append([piece[0]])
            end = piece.end()
        fresh = False
    if depth:
        problem = problem or "A parenthesis is never closed."
    if words or problem:
        last = line if text[-1:] != "\n" else max(line - 1, first)
        yield Statement(first, last, indented, _joined(words), problem)


def _parenthesis(mark: str, depth: int, problem: str) -> tuple[int, str]:
    if mark == "(":
        return depth + 1, problem
    if depth == 0:
        return 0, problem or "A parenthesis is closed that was never opened."
    return depth - 1, problem


def _joined(words: list[list[str]]) -> tuple[str, ...]:
    return tuple(["".join(pieces) for pieces in words])
