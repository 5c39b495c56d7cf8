"""Small pieces of a zone file, read from its tokens: blanks, numbers, names, text and hex."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tenants.formats.text import printable
from tenants.formats.zones.names import MAX_LABEL, ROOT, Name
from tenants.formats.zones.primary.dialect import Dialect
from tenants.formats.zones.primary.errors import UnreadableError
from tenants.formats.zones.primary.lexer import Token

__all__ = ["Cursor", "host_problem", "unhex"]

_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz")
_LDH = _LETTERS | frozenset(b"0123456789-")


class Cursor:
    """The tokens of a file with one in sight, and what holds from line to line: origin, TTL and owner."""

    def __init__(self, stream: Iterator[Token], dialect: Dialect) -> None:
        self._next = stream.__next__
        self.dialect = dialect
        self.token = self._next()
        self.origin = ROOT
        self.owner = ROOT
        self.ttl = 3600

    def advance(self) -> Token:
        """Step to the next token and return the one left behind."""
        token = self.token
        if token.kind != "end":
            self.token = self._next()
        return token

    def fail(self, reason: str) -> UnreadableError:
        """Return an error that points at the token in sight."""
        return UnreadableError(reason, self.token.start)

    def expected(self, what: str) -> UnreadableError:
        """Return an error: `what` should stand where something else does."""
        return self.fail(f"{what} is expected here, not {describe(self.token)}.")

    def blank(self) -> None:
        """Read one or more blanks. Raises UnreadableError when there is none."""
        if self.token.kind != "space":
            raise self.expected("A blank")
        while self.token.kind == "space":
            self.advance()

    def end_of_line(self) -> None:
        if self.token.kind != "eol":
            raise self.expected("The end of the line")
        self.advance()

    def number(self, limit: int) -> int:
        """Read digits and return a number from 0 to `limit`. Raises UnreadableError."""
        if self.token.kind != "number":
            raise self.expected(f"A number from 0 to {limit}")
        value = small_number(self.token.value)
        if value > limit:
            raise self.fail(f"{printable(self.token.value, 40)} is more than {limit}.")
        self.advance()
        return value

    def is_label(self) -> bool:
        """Whether the token in sight may be a label or a word of text, other than @."""
        kind = self.token.kind
        if kind == "string" or kind in self.dialect.label_kinds:
            return True
        return kind == "word" and self.token.value.upper().decode() in self.dialect.label_words

    def text(self) -> bytes:
        """Read one string or word. Raises UnreadableError."""
        if self.token.kind == "at" or self.is_label():
            return spelling(self.advance())
        raise self.expected("Text")

    def texts(self) -> list[bytes]:
        """Read one or more strings with blanks between them. Raises UnreadableError."""
        found = [self.text()]
        while self.token.kind == "space":
            self.blank()
            found.append(self.text())
        return found

    def hex(self) -> bytes:
        """Read one or more blocks of hex digits. Raises UnreadableError."""
        start = self.token.start
        try:
            return b"".join(unhex(block) for block in self.texts())
        except UnreadableError as error:
            raise UnreadableError(error.reason, start if error.position is None else error.position) from None

    def name(self) -> Name:
        """Read a name; without a last dot it is completed by the origin. Raises UnreadableError."""
        start = self.token.start
        if self.token.kind == "dot":
            self.advance()
            return ROOT
        if self.token.kind == "at":
            self.advance()
            if self.token.kind != "dot":
                return self.origin
            labels, absolute = self._labels([b"@"])
        else:
            labels = [self._label()]
            if self.token.kind != "dot":
                return self._name(start, lambda: Name((*labels, *self.origin.labels)))
            labels, absolute = self._labels(labels)
        tail = () if absolute else self.origin.labels
        return self._name(start, lambda: _from_strings((*labels, *tail)))

    def host(self) -> Name:
        """Read a name that must be a host name. Raises UnreadableError."""
        start = self.token.start
        name = self.name()
        problem = host_problem(name)
        if problem:
            raise UnreadableError(problem, start)
        return name

    def _labels(self, labels: list[bytes]) -> tuple[list[bytes], bool]:
        """Read the labels after the first, whose dot is in sight; return them and whether a dot ends them."""
        while self.token.kind == "dot":
            self.advance()
            if self.token.kind == "at":
                labels.append(self.advance().value)
            elif self.is_label():
                labels.append(self._label())
            else:
                return labels, True
        return labels, False

    def _label(self) -> bytes:
        if not self.is_label():
            raise self.expected("A name")
        label = spelling(self.token)
        if self.token.kind == "string" and len(label) > MAX_LABEL:
            raise self.fail(f"The label {printable(label, 80)} has {len(label)} bytes; at most 63 fit.")
        self.advance()
        return label

    def _name(self, start: int, make: Callable[[], Name]) -> Name:
        try:
            return make()
        except ValueError as error:
            raise UnreadableError(f"This is not a name: {error}.", start) from None


def _from_strings(labels: tuple[bytes, ...]) -> Name:
    return Name(labels[:-1] if labels[-1:] == (b"",) else labels)


def spelling(token: Token) -> bytes:
    """Return a word as text; the primary gives metres their unit back."""
    return token.value + b"m" if token.kind == "metres" else token.value


def small_number(digits: bytes) -> int:
    """Return the value of digits; any number of more than 20 is given as 10^20, for time's sake."""
    significant = digits.lstrip(b"0")
    return 10**20 if len(significant) > 20 else int(significant or b"0")


def host_problem(name: Name) -> str | None:
    """Say why the primary does not take a name as that of a host, or return None: letters, digits and
    hyphens, no label beginning with a hyphen, and a letter in the last label."""
    for label in name.key:
        if label[0] == 0x2D or not _LDH.issuperset(label):
            return (
                f"{printable(name.absolute, 260)} is not a host name: “{printable(label, 70)}” may have only"
                " letters, digits and hyphens, and not begin with a hyphen."
            )
    if name.key and not _LETTERS.intersection(name.key[0]):
        return f"{printable(name.absolute, 260)} is not a host name: its last label needs a letter."
    return None


def unhex(text: bytes) -> bytes:
    """Return the bytes of one block of hex digits; blanks and line breaks within do not count."""
    digits = bytes(byte for byte in text if byte not in b" \n\r\t")
    if len(digits) % 2:
        raise UnreadableError(f"{printable(text, 40)} has an odd number of hex digits.")
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        raise UnreadableError(f"{printable(text, 40)} has other characters than hex digits.") from None


def describe(token: Token) -> str:
    """Return what a token is, for a sentence."""
    fixed = {"end": "the end of the file", "eol": "the end of the line", "space": "a blank", "dot": "a dot"}
    return fixed.get(token.kind) or f"“{printable(spelling(token), 60)}”"
