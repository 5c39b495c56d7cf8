"""Text that people type and text that machines send: what may be kept, and how the rest is shown."""

from __future__ import annotations

import unicodedata

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters by category, yet nothing is drawn: they hide differences as zero-width characters do.
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_LINE_BREAKS = frozenset("\n\r\u0085\u2028\u2029\u000b\u000c")
_REFUSED_CATEGORIES = {
    "Cc": "a control character",
    "Cf": "an invisible character",
    "Cs": "half of a broken character (a surrogate)",
    "Co": "a character without a public meaning",
    "Cn": "a character without a public meaning",
    "Zl": "a line break",
    "Zp": "a line break",
}
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
_MAX_MARKS = 4


class FormatError(ValueError):
    """A value that cannot be accepted: which field, what is wrong, and what to do about it.

    `str()` gives problem and fix as one or two sentences for a person.
    """

    def __init__(self, field: str, problem: str, fix: str) -> None:
        super().__init__(f"{problem} {fix}".strip())
        self.field = field
        self.problem = problem
        self.fix = fix

    def __reduce__(self) -> tuple[type[FormatError], tuple[str, str, str]]:
        return (type(self), (self.field, self.problem, self.fix))


def check_text(value: object, *, field: str, maximum: int, multiline: bool = False) -> str:
    """Return `value` as stored: NFC, without outer spaces, at most `maximum` characters.

    Raises FormatError for anything that hides, reorders or breaks a line: NUL and other control
    characters, bidirectional controls (Unicode TR 9), zero-width characters, surrogates, and line
    breaks unless `multiline` (then CR LF and CR become LF, and tabs are kept).
    """
    text = require_text(value, field=field)
    if len(text) > 4 * maximum + 64:  # composing shortens text, but never this much: bounded work
        raise _too_long(field, len(text), maximum)
    if multiline:
        text = text.replace("\r\n", "\n").replace("\r", "\n").strip(" \u00a0\u3000\n\t")
    else:
        text = text.strip(" \u00a0\u3000")
    for position, character in enumerate(text, start=1):
        if multiline and character in "\n\t":
            continue
        kind = _refused_kind(character)
        if kind is not None:
            raise FormatError(
                field,
                f"Character {position} is {kind} (U+{ord(character):04X}).",
                "Remove it and try again.",
            )
    text = unicodedata.normalize("NFC", text)
    if len(text) > maximum:
        raise _too_long(field, len(text), maximum)
    return text


def check_name(value: object, *, field: str, maximum: int) -> str:
    """Return a name as stored: the rules of `check_text`, and not empty. Raises FormatError."""
    text = check_text(value, field=field, maximum=maximum)
    if not text:
        raise FormatError(field, "The name is empty.", "Write one by which you recognise it later.")
    return text


def printable(raw: bytes | str, limit: int = 500) -> str:
    """Return text from outside as one harmless line of at most `limit` characters.

    Undecodable bytes, control, bidirectional, zero-width, private and unassigned characters become
    escapes; towers of combining marks are broken; what is too long ends in an ellipsis.
    """
    if isinstance(raw, bytes):
        text = raw[: 4 * limit + 4].decode("utf-8", "backslashreplace")
    else:
        text = raw[: limit + 1]
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    pieces: list[str] = []
    size = marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        piece = _escape(character) if marks > _MAX_MARKS or _unsafe(character) else character
        size += len(piece)
        pieces.append(piece)
        if size > limit:
            break
    line = "".join(pieces)
    return line if len(line) <= limit else line[: max(limit - 1, 0)] + "…"


def require_text(value: object, *, field: str) -> str:
    """Return `value` when it is a string; raises FormatError otherwise."""
    if not isinstance(value, str):
        raise FormatError(field, f"This must be text, not {type(value).__name__}.", "Send a string.")
    return value


def is_whole(text: str) -> bool:
    """Whether `text` can be written as UTF-8: it holds no half of a character (a lone surrogate)."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _too_long(field: str, length: int, maximum: int) -> FormatError:
    return FormatError(field, f"This is {length} characters long; at most {maximum} fit.", "Shorten it.")


def _refused_kind(character: str) -> str | None:
    category = unicodedata.category(character)
    if character in _LINE_BREAKS:
        return "a line break"
    if character in _BIDI:
        return "a character that changes the direction of text"
    if character == "\0":
        return "a NUL character"
    if character in _BLANK_LETTERS:
        return "an invisible character"
    return _REFUSED_CATEGORIES.get(category)


def _unsafe(character: str) -> bool:
    return unicodedata.category(character) in _REFUSED_CATEGORIES or character in _BLANK_LETTERS


def _escape(character: str) -> str:
    number = ord(character)
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
