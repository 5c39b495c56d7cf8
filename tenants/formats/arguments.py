"""Arguments of a unikernel, with references: `--seed={secret:seed}`, `--ipv4={address:service}`.

What people see and what is stored are the references; only a worker puts the values in, just before the
unikernel is created. Braces that are no such reference stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from tenants.formats.text import FormatError, check_text, printable

MOST_ARGUMENTS = 100
LONGEST_ARGUMENT = 4000
_REFERENCE = re.compile(r"\{(secret|address|ip|gateway):([^{}]*)\}")
_SECRET = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Place:
    """A device's address in its network: `10.0.0.5`, prefix length 24, gateway `10.0.0.1`."""

    ip: str
    prefix: int
    gateway: str


@dataclass(frozen=True)
class References:
    """What references stand for: secrets by name, and places by the image's device."""

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    places: Mapping[str, Place] = field(default_factory=dict)


def check_arguments(arguments: Iterable[str]) -> list[str]:
    """Return arguments as stored. Raises FormatError (field `arguments`) for what no command line holds."""
    checked: list[str] = []
    for argument in arguments:
        if len(checked) >= MOST_ARGUMENTS:
            raise _bad(f"There are more than {MOST_ARGUMENTS} arguments.", "Leave some out.")
        text = check_text(argument, field="arguments", maximum=LONGEST_ARGUMENT)
        if not text:
            raise _bad("One argument is empty.", "Remove it.")
        checked.append(text)
    return checked


def check_secret_name(name: str) -> str:
    """Return the name of a secret. Raises FormatError (field `secrets`)."""
    if not _SECRET.fullmatch(name):
        raise FormatError(
            "secrets",
            f"“{printable(name, 60)}” is no name of a secret.",
            "Begin with a small letter; then small letters, digits and hyphens, at most 40.",
        )
    return name


def referenced(arguments: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(kind, name) of every reference: kind is secret, address, ip or gateway."""
    for argument in arguments:
        for found in _REFERENCE.finditer(argument):
            yield found[1], found[2]


def check_references(arguments: Iterable[str], *, secrets: Iterable[str], devices: Iterable[str]) -> None:
    """Raise FormatError (field `arguments`) for a reference to a secret or a device that is not there."""
    known, places = frozenset(secrets), frozenset(devices)
    for kind, name in referenced(arguments):
        shown = printable(name, 60)
        if kind == "secret" and name not in known:
            raise _bad(f"An argument refers to the secret “{shown}”, which is not there.", "Add it below.")
        if kind != "secret" and name not in places:
            raise _bad(
                f"An argument refers to the address of “{shown}”, which has none.",
                "Name a network device of the image that has a network.",
            )


def fill_in(arguments: Iterable[str], given: References) -> tuple[bytes, ...]:
    """The arguments as the unikernel gets them. Raises KeyError for a reference to nothing."""

    return tuple(
        _REFERENCE.sub(partial(_value, given), each).encode("utf-8", "surrogateescape") for each in arguments
    )


def _value(given: References, found: re.Match[str]) -> str:
    kind, name = found[1], found[2]
    if kind == "secret":
        return given.secrets[name]
    place = given.places[name]
    return {"address": f"{place.ip}/{place.prefix}", "ip": place.ip, "gateway": place.gateway}[kind]


def with_places(arguments: Iterable[str], places: Mapping[str, Place]) -> tuple[str, ...]:
    """The arguments with their addresses, as far as they are known; secrets stay references."""
    known = References({}, places)

    def value(found: re.Match[str]) -> str:
        return _value(known, found) if found[1] != "secret" and found[2] in places else found[0]

    return tuple(_REFERENCE.sub(value, each) for each in arguments)


def option_of(argument: bytes) -> str:
    """What may be shown of an argument that somebody else wrote: its value may be secret."""
    name = re.split(r"[=\s\\]", printable(argument, 200), maxsplit=1)[0]
    if not name.startswith("-"):
        return "…"
    return name if name == printable(argument, 200) else f"{name}=…"


def _bad(problem: str, fix: str) -> FormatError:
    return FormatError("arguments", problem, fix)
