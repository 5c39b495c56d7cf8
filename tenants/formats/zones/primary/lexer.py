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
_PLAIN_TOKEN = re.compile(
    rb"([A-Za-z_][A-Za-z0-9_-]*+)(?=[ \t\n.()])|([0-9]++)(?=[ \t\n()]|\.[0-9]*+[ \t\n.()])"
    rb"|([ \t]++)(?=[^ \t\n;()])|(\n)(?=[^ \t\n;()])"
)
"""Nearly all of a usual file: words, numbers, blanks and line ends that nothing longer could begin with."""
_FIXED = {b"@": "at", b"\\#": "generic", b"$ORIGIN": "origin", b"$TTL": "ttl"}
_WORDS = {b"N", b"S", b"E", b"W", b"IN", b"CS", b"CH", b"HS"}


def tokens(data: bytes, dialect: Dialect) -> Iterator[Token]:
    """Yield the tokens of a file; the last is of kind `end`."""
    words = _WORDS | {name.encode() for name in dialect.types}
    services = dialect.services
    position = depth = 0
    run_end = -1
    size = len(data)
    lines = data.rfind(b"\n") + 1
    while position < size:
        start = position
        plain = _PLAIN_TOKEN.match(data, start)
        if plain:
            position = plain.end()
            yield _plain(plain, services, words, depth)
            continue
        first = data[start]
        if first in b" \t\n;()":
            if position > run_end:
                run_end = _run_end(data, position, lines)
            kind, position, depth = _spacing(data, position, run_end, depth, lines)
            if kind:
                yield Token(kind, b"", start)
                continue
        if first == 0x2E:  # a dot
            position = start + 1
            yield Token("dot", b".", start)
            continue
        kind, value, position = _word(data, start, services, words)
        yield Token(kind, value, start)
        if position == start:  # a lone backslash ends the file: the original yields empty labels for ever
            break
    yield Token("end", b"", size)


def _plain(found: re.Match[bytes], services: bool, words: set[bytes], depth: int) -> Token:
    group, text, start = found.lastindex, found[0], found.start()
    if group == 1:
        parameter = services and text == b"no-default-alpn"
        return Token("parameter" if parameter else _kind(text, words), text, start)
    if group == 2:
        return Token("number", text, start)
    return Token("eol" if group == 4 and depth == 0 else "space", b"", start)


def _run_end(data: bytes, start: int, lines: int) -> int:
    """Return where blanks, line breaks and comments from `start` on end. `lines` is where the last whole
    line ends: what looks like a comment after it is none, and is not looked through again and again."""
    run = _RUN.match(data, start, lines)
    end = run.end() if run else start
    blanks = _BLANKS.match(data, end) if end >= lines else None
    return blanks.end() if blanks else end


def _spacing(data: bytes, start: int, run_end: int, depth: int, lines: int) -> tuple[str, int, int]:
    """Return (kind, end, depth of parentheses); no kind when a word is longer than any spacing here."""
    if data[run_end : run_end + 1] == b")":
        end = run_end + 1
        rest = _END_OF_LINE.match(data, end, lines)
        depth = max(depth - 1, 0)
        if rest:
            return "eol", rest.end(), depth
        blanks = _BLANKS.match(data, end)
        return "space", blanks.end() if blanks else end, depth
    opening = _OPEN.match(data, start)
    if opening:
        return "space", _run_end(data, opening.end(), lines), depth + 1
    line = _END_OF_LINE.match(data, start, lines)
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
    if text.upper() in words:
        return "word"
    if text in _FIXED:
        return _FIXED[text]
    for kind, pattern in (("number", _NUMBER), ("negative", _NEGATIVE), ("type", _TYPE)):
        if pattern.fullmatch(text):
            return kind
    return "string"
