"""JSON as ptt's unikernels read it: `[` + file + `]` is given to ezjsonm (jsonm, uutf), and the array must
hold exactly one value. Reading stops at the bracket that closes the array, so a file may go on after a
`]` of its own; a second byte of zero makes the whole file UTF-16."""

from __future__ import annotations

import re

# An object is a tuple of pairs, since a name may come twice; an array is a list.
Json = None | bool | float | str | list["Json"] | tuple[tuple[str, "Json"], ...]

_WHITE = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_TOKEN = re.compile(r"[^ \t\n\r,\]}]*")
_MAX_DEPTH = 150_000  # no entry is deeper than five, so what is refused is invalid anyway
_HEX4 = re.compile(r"[0-9A-Fa-f]{4}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan(?:\([A-Za-z0-9_]*\))?|inf(?:inity)?)", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class NotJsonError(ValueError):
    """The bytes are no JSON value; `position` counts characters from 1."""

    def __init__(self, problem: str, position: int) -> None:
        super().__init__(f"{problem} at character {position}")
        self.problem = problem
        self.position = position


class _Open:
    """An array or object that is still open: its values so far, and its names when an object."""

    __slots__ = ("is_object", "name", "pairs", "values")

    def __init__(self, *, is_object: bool) -> None:
        self.is_object = is_object
        self.values: list[Json] = []
        self.pairs: list[tuple[str, Json]] = []
        self.name = ""

    def add(self, value: Json) -> None:
        if self.is_object:
            self.pairs.append((self.name, value))
        else:
            self.values.append(value)

    @property
    def empty(self) -> bool:
        return not self.values and not self.pairs


def parse_unikernel_json(content: bytes) -> Json:
    """Return the one value of a file, or raise NotJsonError. Linear time, no recursion."""
    values = _Parser(_decode(b"[" + content + b"]")).outer_array()
    if len(values) != 1:
        raise NotJsonError("there is no value" if not values else "there is more than one value", 1)
    return values[0]


def _decode(data: bytes) -> str:
    """Characters up to the first malformed sequence; running into that is an error of its own."""
    encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-8"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        return data[: error.start].decode(encoding)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 1

    def error(self, problem: str) -> NotJsonError:
        return NotJsonError(problem, self.at)

    def white(self) -> str:
        """Skip white space and return the character there ("" at the end or before broken bytes)."""
        match = _WHITE.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return self.text[self.at : self.at + 1]

    def outer_array(self) -> list[Json]:
        stack = [_Open(is_object=False)]
        while True:
            current = stack[-1]
            character = self.white()
            if character == ("}" if current.is_object else "]"):
                self.at += 1
                stack.pop()
                if not stack:
                    return current.values
                stack[-1].add(tuple(current.pairs) if current.is_object else current.values)
                continue
            self.separator(current, character)
            if current.is_object:
                self.member_name(current)
            opened = self.value(current)
            if opened is not None:
                if len(stack) > _MAX_DEPTH:
                    raise self.error("it is nested too deeply to be an entry")
                stack.append(opened)

    def separator(self, current: _Open, character: str) -> None:
        if current.empty:
            return
        if character != ",":
            raise self.error("a comma or a closing bracket is missing")
        self.at += 1
        self.white()

    def member_name(self, current: _Open) -> None:
        if self.text[self.at : self.at + 1] != '"':
            raise self.error("a name in quotation marks is missing")
        self.at += 1
        current.name = self.string()
        if self.white() != ":":
            raise self.error("a colon is missing")
        self.at += 1
        self.white()

    def value(self, current: _Open) -> _Open | None:
        """Read a value into `current`, or return the array or object that begins here."""
        character = self.text[self.at : self.at + 1]
        if character in ("[", "{") and character:
            self.at += 1
            return _Open(is_object=character == "{")
        if character == '"':
            self.at += 1
            current.add(self.string())
        elif character and character in "ftn":
            current.add(self.literal())
        elif character and character in "-0123456789":
            current.add(self.number())
        else:
            raise self.error("a value is missing")
        return None

    def token(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        token = "" if match is None else match[0]
        if self.at + len(token) == len(self.text):
            raise self.error("the file ends too early or holds broken characters")
        return token

    def literal(self) -> bool | None:
        token = self.token()
        if token not in _WORDS:
            raise self.error("an unknown word")
        self.at += len(token)
        return _WORDS[token]

    def number(self) -> float:
        token = self.token()
        value = _ocaml_float(token)
        if value is None:
            raise self.error("a malformed number")
        self.at += len(token)
        return value

    def string(self) -> str:
        pieces: list[str] = []
        while True:
            match = _PLAIN.match(self.text, self.at)
            if match is not None:
                pieces.append(match[0])
                self.at = match.end()
            character = self.text[self.at : self.at + 1]
            if character == "":
                raise self.error("the file ends too early or holds broken characters")
            self.at += 1
            if character == '"':
                return "".join(pieces)
            if character != "\\":
                raise self.error("a control character in a string")
            pieces.append(self.escape())

    def escape(self) -> str:
        character = self.text[self.at : self.at + 1]
        self.at += 1
        if character != "u":
            if character not in _ESCAPES:
                raise self.error("an unknown escape")
            return _ESCAPES[character]
        number = self.hex4()
        if 0xD800 <= number <= 0xDBFF and self.text[self.at : self.at + 2] == "\\u":
            self.at += 2
            low = self.hex4()
            if 0xDC00 <= low <= 0xDFFF:
                return chr(0x10000 + ((number & 0x3FF) << 10 | low & 0x3FF))
        if 0xD800 <= number <= 0xDFFF:
            raise self.error("half of a character (a lone surrogate)")
        return chr(number)

    def hex4(self) -> int:
        match = _HEX4.match(self.text, self.at)
        if match is None:
            raise self.error("a malformed \\u escape")
        self.at = match.end()
        return int(match[0], 16)


def _ocaml_float(token: str) -> float | None:
    """OCaml's float_of_string: underscores are dropped, hexadecimal and `-nan`, `-inf` are read."""
    plain = token.replace("_", "")
    if _HEXADECIMAL.fullmatch(plain):
        try:
            return float.fromhex(plain)
        except (OverflowError, ValueError):
            return float("inf")
    if _NOT_FINITE.fullmatch(plain):
        return float("nan") if "nan" in plain.lower() else float(plain)
    return float(plain) if _DECIMAL.fullmatch(plain) else None
