"""Tokens of a zone file, as ptt's primary cuts them: always the longest that fits.

So a host `10.mail` is *ten point metres* (`10.m`, as in LOC) followed by `ail`; a label `no-default-alpn` is
a parameter of HTTPS; and a comment needs a blank before it. RFC 1035 §5.1 knows none of that.

Work is linear in the size of the file: no expression steps back, and a run of blank lines is measured once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tenants.formats.zones.primary.dialect import Dialect

__all__ = ["Token", "tokens"]


class Token(NamedTuple):
    """`kind` is one of: end, eol, space, generic, origin, ttl, dot, at, number, negative, metres, type (TYPE
    and a number), string, parameter, word (a mnemonic, class or direction); `value` what it says, a word's
    own spelling included; `start` its place in the file."""

    kind: str
    value: bytes
    start: int


_LABEL = re.compile(rb"(?:[^\\ \t\n.()]|\\.)*+", re.DOTALL)
_QUOTED = re.compile(rb'"((?:[^\\"]|\\.)*+)"', re.DOTALL)
_METRES = re.compile(rb"(-?[0-9]++(?:\.[0-9]{0,2})?)m")
_NUMBER = re.compile(rb"[0-9]++")
_NEGATIVE = re.compile(rb"-[0-9]++")
_TYPE = re.compile(rb"[Tt][Yy][Pp][Ee][0-9]++")
_BLANKS = re.compile(rb"[ \t]++")
_END_OF_LINE = re.compile(rb"[ \t]*+(?:;[^\n]*+)?\n")
_RUN = re.compile(rb"(?:[ \t\n]|;[^\n]*+\n)*+")
_OPEN = re.compile(rb"[ \t]*+\(")
# RFC 9460 appendix A, with the slips of the original: an octet from 200 on has five digits.
_PLAIN = rb"""(?:[!#-'*-:<-\[\]-~]|\\(?:[!-/:-~]|[01][0-9]{2}|2[0-4][0-9]5[0-5]))++"""
_VALUE = rb"(?:" + _PLAIN + rb'|"(?:' + _PLAIN + rb'|\\? )")'
_PARAMETER = re.compile(rb"[a-z0-9-]*+=(?:" + _VALUE + rb'|"' + _VALUE + rb'")|no-default-alpn')
_WORDS = {b"N", b"S", b"E", b"W", b"IN", b"CS", b"CH", b"HS"}


def tokens(data: bytes, dialect: Dialect) -> Iterator[Token]:
    """Yield the tokens of a file; the last is of kind `end`."""
    words = _WORDS | {name.encode() for name in dialect.types}
    position = depth = 0
    run_end = -1
    size = len(data)
    while position < size:
        first = data[position]
        start = position
        if first in b" \t\n;()":
            if position > run_end:
                run = _RUN.match(data, position)
                run_end = run.end() if run else position
            kind, position, depth = _spacing(data, position, run_end, depth)
            if kind:
                yield Token(kind, b"", start)
                continue
        if first == 0x2E:  # a dot
            position = start + 1
            yield Token("dot", b".", start)
            continue
        kind, value, position = _word(data, start, dialect.services, words)
        yield Token(kind, value, start)
        if position == start:  # a lone backslash ends the file: the original yields empty labels for ever
            break
    yield Token("end", b"", size)


def _spacing(data: bytes, start: int, run_end: int, depth: int) -> tuple[str, int, int]:
    """Return (kind, end, depth of parentheses); no kind when a word is longer than any spacing here."""
    if data[run_end : run_end + 1] == b")":
        end = run_end + 1
        rest = _END_OF_LINE.match(data, end)
        depth = max(depth - 1, 0)
        if rest:
            return "eol", rest.end(), depth
        blanks = _BLANKS.match(data, end)
        return "space", blanks.end() if blanks else end, depth
    opening = _OPEN.match(data, start)
    if opening:
        run = _RUN.match(data, opening.end())
        return "space", run.end() if run else opening.end(), depth + 1
    line = _END_OF_LINE.match(data, start)
    if data[start] == 0x3B:  # a semicolon may begin a longer word: one with an escaped line break
        word = _LABEL.match(data, start)
        if word and (line is None or word.end() > line.end()):
            return "", start, depth
    if line:
        return "space" if depth else "eol", line.end(), depth
    blanks = _BLANKS.match(data, start)
    return "space", blanks.end() if blanks else start + 1, depth


def _word(data: bytes, start: int, services: bool, words: set[bytes]) -> tuple[str, bytes, int]:
    label = _LABEL.match(data, start)
    end = label.end() if label else start
    text = data[start:end]
    metres = _METRES.match(data, start)
    if metres and metres.end() >= end:
        return "metres", metres[1], metres.end()
    if text[:1] == b'"':
        quoted = _QUOTED.match(data, start)
        if quoted and quoted.end() >= end:
            return "string", quoted[1], quoted.end()
    if services:
        parameter = _PARAMETER.match(data, start)
        if parameter and parameter.end() >= end:
            return "parameter", parameter[0], parameter.end()
    return _kind(text, words), text, end


def _kind(text: bytes, words: set[bytes]) -> str:
    fixed = {b"@": "at", b"\\#": "generic", b"$ORIGIN": "origin", b"$TTL": "ttl"}.get(text)
    if fixed:
        return fixed
    if text.upper() in words:
        return "word"
    for kind, pattern in (("number", _NUMBER), ("negative", _NEGATIVE), ("type", _TYPE)):
        if pattern.fullmatch(text):
            return kind
    return "string"
