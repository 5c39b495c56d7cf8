"""What ptt's unikernels understand of one file of relay.git, and why they would skip it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal as Choice

from tenants.formats import mailbox_syntax as mail
from tenants.formats.forward_path import ForwardPath, from_mailbox
from tenants.formats.text import printable
from tenants.formats.unikernel_json import Json, NotJsonError, parse_unikernel_json

MAX_CONTENT = 2 * 1024 * 1024  # ptt has no limit, but would load such a file for minutes
MAX_WARNINGS = 20
SLOW_TARGETS = 100
DIGEST_DIGITS = 128
NO_LOGIN = "0" * DIGEST_DIGITS

Cause = Choice["name", "json", "shape", "target", "password", "size"]

_SKIPPED_IN_HASH = " \t\r\n"
_WRITTEN_DIGEST = re.compile(rb"[0-9a-f]{%d}" % DIGEST_DIGITS)
_NOBODY = "Nobody can log in: the fingerprint is all zeros."
_PLAIN_NAME = re.compile(rb"[a-z0-9][a-z0-9._+-]*")
_LETTER = re.compile(rb"[A-Za-z]")
_HOST_LABEL = re.compile(rb"(?!-)[A-Za-z0-9-]+")


@dataclass(frozen=True)
class Value:
    """The value of a readable file: targets as parsed, and the digest in 128 lower-case hex digits."""

    targets: tuple[mail.Mailbox, ...]
    written_targets: tuple[str, ...]
    digest: str = field(repr=False)
    insecure: bool = False
    digest_note: str = ""


class SkippedError(ValueError):
    """Why a unikernel would skip a file: a cause for programs, a sentence for people."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason


def read_name(name: bytes) -> mail.LocalPart:
    """Return the local part that a file name stands for, or raise SkippedError."""
    local = mail.parse_local_part(name)
    if local is None:
        message = f"The file name “{printable(name, 80)}” is no local part of a mail address."
        raise SkippedError("name", message)
    return local


def read_value(content: bytes) -> Value:
    """Return the value of a file's content, or raise SkippedError. Time is linear in the length."""
    if len(content) > MAX_CONTENT:
        raise SkippedError("size", f"The file has {len(content)} bytes; at most {MAX_CONTENT} are looked at.")
    try:
        parsed = parse_unikernel_json(content)
    except NotJsonError as error:
        raise SkippedError("json", f"The file is no JSON: {error}.") from None
    if not isinstance(parsed, tuple):
        raise SkippedError("shape", "The file holds no JSON object with targets and password.")
    fields = list(parsed)
    texts = _texts(_required(fields, "targets"))
    targets = tuple(_target(text, number) for number, text in enumerate(texts, start=1))
    digest, note = _digest(_string(_required(fields, "password"), "the password"))
    insecure = _insecure(fields)
    if fields:
        name = printable(fields[0][0], 80)
        raise SkippedError(
            "shape", f"The field “{name}” is unknown or there twice, and no other field may be there."
        )
    written = tuple(text.decode("utf-8", "surrogateescape") for text in texts)
    return Value(targets, written, digest, insecure, note)


def host_problem(domain: mail.Name) -> Choice["invalid domain name", "invalid host name"] | None:
    """What the library domain-name would raise for a domain when mail goes there, or None."""
    labels = domain.labels
    if any(not 0 < len(label) < 64 for label in labels) or sum(len(label) + 1 for label in labels) + 1 > 255:
        return "invalid domain name"
    if not _LETTER.search(labels[-1]) or not all(_HOST_LABEL.fullmatch(label) for label in labels):
        return "invalid host name"
    return None


def name_warnings(name: bytes, local: mail.LocalPart) -> list[str]:
    """Sentences about a readable file name that does not do what it seems to."""
    if _PLAIN_NAME.fullmatch(name):
        return []
    login = printable(mail.local_text(local), 80)
    found: list[str] = []
    if any(word.quoted for word in local):
        found.append(
            "The name is quoted: the quotation marks are lost on the way, so it never receives mail."
        )
    if mail.local_text(local) != name:
        found.append(f"The file name is read as “{login}”: spaces and comments do not count.")
    if not name.isascii():
        found.append("The name is not ASCII: logging in works, but it never receives mail.")
    if any(word.text != word.text.lower() for word in local):
        found.append("The name has upper-case letters, which must be typed exactly so.")
    if b"/" in name:
        found.append("The name contains a slash, so it is a folder in a repository and is never read.")
    return found


def value_warnings(value: Value) -> list[str]:
    """Sentences about a readable value that does not do what it seems to, at most MAX_WARNINGS."""
    found = [value.digest_note] if value.digest_note else []
    count = len(value.targets)
    if count > SLOW_TARGETS:
        found.append(f"There are {count} targets; loading takes time with the square of their number.")
    if count == 0:
        found.append("There is no target: mail to this name is dropped.")
    seen: set[object] = set()
    for mailbox, written in zip(value.targets, value.written_targets, strict=True):
        if len(found) >= MAX_WARNINGS:
            found.append("There may be more to say about the other targets.")
            break
        path = from_mailbox(mailbox)
        found.extend(_target_warnings(mailbox, path, written, repeated=path.identity in seen))
        seen.add(path.identity)
    return found


def _target_warnings(mailbox: mail.Mailbox, path: ForwardPath, written: str, *, repeated: bool) -> list[str]:
    shown = printable(written, 80)
    found: list[str] = []
    domain = mailbox.domain
    if isinstance(domain, mail.Name) and host_problem(domain) is not None:
        found.append(f"Mail to the target “{shown}” would stop the relay: its domain is no host name.")
    if isinstance(domain, mail.Literal) and domain.general:
        found.append(
            f"The target “{shown}” is never delivered to: its address literal is of an unknown kind."
        )
    if path.kind == "domain":
        found.append(f"The target “{shown}” is a postmaster, which the relay gives a meaning of its own.")
    if path.quoted:
        found.append(f"The target “{shown}” loses its quotation marks on the way.")
    elif not all(text.isascii() for text in path.local):
        found.append(f"The target “{shown}” is not ASCII before the @ and may be refused on the way.")
    if repeated:
        found.append(f"The target “{shown}” is there before, and counts once.")
    elif bytes(mailbox) != written.encode("utf-8", "surrogateescape") or mailbox.route or mailbox.display:
        found.append(f"Of the target “{shown}” only “{printable(bytes(path)[1:-1], 80)}” counts.")
    return found


def _required(fields: list[tuple[str, Json]], name: str) -> Json:
    for index, (key, value) in enumerate(fields):
        if key == name:
            del fields[index]
            return value
    raise SkippedError("shape", f"The field “{name}” is missing.")


def _insecure(fields: list[tuple[str, Json]]) -> bool:
    if not any(key == "insecure" for key, _ in fields):
        return False
    value = _required(fields, "insecure")
    if not isinstance(value, bool):
        raise SkippedError("shape", "The field “insecure” is neither true nor false.")
    return value


def _texts(value: Json) -> list[bytes]:
    if value == ():  # an empty object counts as an empty list
        return []
    if not isinstance(value, list):
        raise SkippedError("shape", "The field “targets” is no list.")
    return [_string(item, f"target {number}") for number, item in enumerate(value, start=1)]


def _string(value: Json, what: str) -> bytes:
    """A string's bytes: plain, or spelled out as `{"invalid_utf8_string": [byte, …]}`."""
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, tuple) and len(value) == 1 and value[0][0] == "invalid_utf8_string":
        spelled = value[0][1]
        if spelled == ():
            return b""
        if isinstance(spelled, list) and all(
            isinstance(byte, float) and 0 <= byte <= 255 and byte.is_integer() for byte in spelled
        ):
            return bytes(int(byte) for byte in spelled if isinstance(byte, float))
    raise SkippedError("shape", f"A string is missing where {what} should be.")


def _target(text: bytes, number: int) -> mail.Mailbox:
    mailbox = mail.parse_mailbox(text)
    if mailbox is None:
        raise SkippedError("target", f"Target {number}, “{printable(text, 80)}”, is no mail address.")
    return mailbox


def _digest(text: bytes) -> tuple[str, str]:
    """The digest of lenient hexadecimal: blanks are skipped, what is missing is zero, and only the first
    128 digits are looked at. Errors never repeat any of it."""
    if _WRITTEN_DIGEST.fullmatch(text):  # as everybody writes it; the way below is for all others
        digest = text.decode("ascii")
        return digest, _NOBODY if digest == NO_LOGIN else ""
    digits: list[str] = []
    for byte in text:
        character = chr(byte)
        if character in _SKIPPED_IN_HASH:
            continue
        if character not in "0123456789abcdefABCDEF":
            raise SkippedError("password", "The password is no hexadecimal fingerprint.")
        digits.append(character.lower())
        if len(digits) == DIGEST_DIGITS:
            break
    if len(digits) % 2:
        raise SkippedError(
            "password", f"The password's fingerprint ends in half a byte, after {len(digits)} digits."
        )
    digest = "".join(digits).ljust(DIGEST_DIGITS, "0")
    if digest == NO_LOGIN:
        return digest, _NOBODY
    if len(digits) < DIGEST_DIGITS:
        return digest, f"Nobody can log in: the fingerprint has only {len(digits)} of {DIGEST_DIGITS} digits."
    if len(text.strip()) > DIGEST_DIGITS:
        return digest, f"Only the first {DIGEST_DIGITS} digits of the fingerprint count."
    return digest, ""
