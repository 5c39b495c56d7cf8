"""From the words of a command line to what is sent: each command takes what its operation takes."""

from __future__ import annotations

import argparse
import getpass
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from panel.cli.failures import Usage
from panel.cli.table import Command, Field
from tenants.formats.text import FormatError, printable

MOST = 1000
WAIT = 120
LARGEST_FILE = 128 * 1024 * 1024
_SWITCH = {"yes": True, "no": False, "true": True, "false": False}
_HASH = "password_hash"
# Secrets of several lines.
_IN_LINES = {"authority_key"}
_LONGEST_SECRET = 400_000


@dataclass(frozen=True)
class Call:
    """What one command sends, and how its answer is wanted."""

    command: Command
    path: str
    query: dict[str, Any]
    body: Any
    data: bytes | None = field(repr=False)
    json: bool
    wait: int | None
    most: int
    url: str
    key: str
    if_match: str


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(f"{printable(message, 1000)}. See: {self.prog} --help")


def parser_of(command: Command) -> Parser:
    """The parser of one command; its help is made of the API's own words."""
    parser = Parser(
        prog=f"rookery {command.name}",
        description=f"{command.summary}.",
        epilog=f"{example_of(command)}\n{command.method} /api/v1/{command.path}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for place in command.places:
        if not place.secret:
            parser.add_argument(place.name, metavar=place.name.upper(), help=_escaped(place.help))
    named = {each.name for each in command.fields}
    for each in (*command.fields, *(each for each in command.queries if each.name not in named)):
        if each.secret:
            _add_secret(parser, each)
        else:
            _add(parser, each)
    _add_shared(parser, command)
    return parser


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _add(parser: Parser, each: Field) -> None:
    values = [each.option]
    told = _escaped(each.help) + (" (needed)" if each.required else "")
    kinds: dict[str, dict[str, Any]] = {
        "number": {"type": int, "metavar": "NUMBER"},
        "switch": {"choices": [*_SWITCH], "metavar": "yes|no"},
        "texts": {"action": "append", "metavar": "TEXT", "help": f"{told} May be given several times."},
        "numbers": {"action": "append", "type": int, "metavar": "NUMBER"},
        "json": {"metavar": "JSON", "help": f"{told} As JSON, or @FILE."},
        "text": {"metavar": "TEXT"},
    }
    parser.add_argument(
        *values, dest=f"value_{each.name}", default=None, **{"help": told, **kinds[each.kind]}
    )
    if each.nullable:
        parser.add_argument(
            f"--no-{each.option[2:]}", dest=f"none_{each.name}", action="store_true", help="Nothing instead."
        )
    elif each.kind in {"texts", "numbers"}:
        parser.add_argument(
            f"--no-{each.option[2:]}", dest=f"none_{each.name}", action="store_true", help="None of them."
        )


def _add_secret(parser: Parser, each: Field) -> None:
    name = "--passphrase" if each.name == _HASH else each.option
    told = "A passphrase; hashed here, so that the server never has it." if each.name == _HASH else each.help
    parser.add_argument(
        name,
        dest=f"ask_{each.name}",
        action="store_true",
        help=f"{_escaped(told)} Asked for, or read from standard input; never an argument.",
    )


def _add_shared(parser: Parser, command: Command) -> None:
    shared = parser.add_argument_group("every command")
    shared.add_argument("--json", action="store_true", help="The answer as JSON, for programs.")
    shared.add_argument("--rookery", default="", metavar="URL", help="The panel; else ROOKERY_URL.")
    if command.lists:
        shared.add_argument(
            "--most",
            type=int,
            default=MOST,
            metavar="NUMBER",
            help=f"At most so many rows; {MOST} as a rule.",
        )
    if "dry_run" in command.takes:
        shared.add_argument("--dry-run", action="store_true", help="Check all of it, change nothing.")
    if "wait" in command.takes:
        shared.add_argument(
            "--wait",
            type=int,
            nargs="?",
            const=WAIT,
            metavar="SECONDS",
            help=f"Until it is proved outside, {WAIT} seconds unless said otherwise; prints the proof.",
        )
    if "if_match" in command.takes:
        shared.add_argument("--if-match", default="", metavar="TAG", help="Only if nobody changed it since.")
    if "key" in command.takes:
        shared.add_argument(
            "--idempotency-key", default="", metavar="KEY", help="Of your own, to send the same again later."
        )
    if command.fields:
        shared.add_argument("--body", metavar="@FILE", help="All fields as JSON; - is standard input.")
    if command.file:
        shared.add_argument("--file", metavar="FILE", help=f"Sent as it is ({command.file}).")


def read(command: Command, words: Sequence[str]) -> Call:
    """What the line asks for; raises Usage."""
    given = vars(parser_of(command).parse_args(_joined(command, words)))
    path = command.path
    for place in command.places:
        value = _secret(place) if place.secret else str(given[place.name])
        if not value:
            raise Usage(f"{place.name.upper()} is empty.")
        path = path.replace(f"{{{place.name}}}", quote(value, safe="@"))
    data = _file(given["file"]) if given.get("file") else None
    # What stands in the body is beside a file in the query.
    named = set() if data is not None else {each.name for each in command.fields}
    values = {each.name: _value(each, given) for each in command.queries if each.name not in named}
    query = {name: _plain(value) for name, value in values.items() if value is not None}
    if given.get("dry_run"):
        query["dry_run"] = "true"
    return Call(
        command=command,
        path=path,
        query=query,
        body=None if data is not None else _body(command, given),
        data=data,
        json=given["json"],
        wait=given.get("wait"),
        most=given.get("most", MOST),
        url=given["rookery"],
        key=given.get("idempotency_key", ""),
        if_match=given.get("if_match", ""),
    )


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _joined(command: Command, words: Sequence[str]) -> list[str]:
    """The words, with values that begin with a hyphen (`--order -changed`) put to their option."""
    ordered = {each.option for each in command.queries if any(one.startswith("-") for one in each.choices)}
    found: list[str] = []
    for word in words:
        if found and found[-1] in ordered and word.startswith("-"):
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def _body(command: Command, given: dict[str, Any]) -> Any:
    if not command.fields:
        return None
    body = _json_of(given["body"], "--body") if given.get("body") else {}
    if not isinstance(body, dict):
        raise Usage("--body has to be a JSON object, with a name for each field.")
    for each in command.fields:
        if each.secret:
            if given[f"ask_{each.name}"] or (each.required and each.name not in body):
                body[each.name] = _secret(each)
            continue
        value = _value(each, given)
        if value is not None:
            body[each.name] = value
        elif given.get(f"none_{each.name}"):
            body[each.name] = None if each.nullable else []
    missing = [each.option for each in command.fields if each.required and each.name not in body]
    if missing:
        raise Usage(f"Missing: {', '.join(missing)}. See: rookery {command.name} --help")
    return body


def _value(each: Field, given: dict[str, Any]) -> Any:
    value = given.get(f"value_{each.name}")
    if value is None:
        return None
    if each.kind == "switch":
        return _SWITCH[value]
    return _json_of(value, each.option) if each.kind == "json" else value


def _json_of(said: str, option: str) -> Any:
    text = said
    if said == "-":
        text = sys.stdin.read(LARGEST_FILE)
    elif said.startswith("@"):
        text = _file(said[1:]).decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Usage(f"{option} is no JSON: {printable(str(error), 200)}.") from error


def _file(name: str) -> bytes:
    try:
        path = Path(name)
        if path.stat().st_size > LARGEST_FILE:
            raise Usage(f"{printable(name)} is larger than 128 MiB.")
        return path.read_bytes()
    except OSError as error:
        raise Usage(f"{printable(name)} cannot be read: {error.strerror}.") from error


def _secret(each: Field) -> Any:
    """What must not stand in a list of processes: typed unseen, or read from standard input."""
    if each.name == _HASH:
        return _hashed(ask_secret("passphrase", twice=True))
    value = ask_secret(each.name.replace("_", " "), whole=each.name in _IN_LINES)
    return _json_of(value, f"the {each.name}") if each.kind == "json" else value


def ask_secret(name: str, *, twice: bool = False, whole: bool = False) -> str:
    """Ask a person, or read a line (`whole`: everything) of standard input."""
    if sys.stdin.isatty():
        value = getpass.getpass(f"{name.capitalize()}: ")
        if twice and value != getpass.getpass("The same again: "):
            raise Usage("The two are not the same. Try again.")
    elif whole:
        value = sys.stdin.read(_LONGEST_SECRET)
    else:
        value = sys.stdin.readline(_LONGEST_SECRET).rstrip("\r\n")
    if not value.strip():
        raise Usage(f"The {name} is empty. Type it, or send it on standard input.")
    return value


def _hashed(passphrase: str) -> str:
    """As mail servers know it; raises Usage for a weak one, since no server can tell from the hash."""
    from tenants.formats.passphrase import check_passphrase, hash_passphrase  # noqa: PLC0415

    try:
        return hash_passphrase(check_passphrase(passphrase))
    except FormatError as error:
        raise Usage(str(error)) from error


def example_of(command: Command) -> str:
    """A line that would do something sensible, made of the API's own example."""
    places = [_PLACES.get(place.name, "1") for place in command.places if not place.secret]
    return " ".join(["Example: rookery", command.name, *places, *_options(command)])


_PLACES = {
    "domain": "example.org",
    "address": "ada@example.org",
    "target_address": "ada@home.example",
    "email": "bob@people.example",
    "change": "CHANGE",
    "name": "0123456789abcdef",
}


def _options(command: Command) -> list[str]:
    example = command.example or {}
    found = []
    for each in command.fields:
        if each.name not in example:
            continue
        value = example[each.name]
        if each.secret:
            found.append("--passphrase" if each.name == _HASH else each.option)
        elif value is None:
            found.append(f"--no-{each.option[2:]}")
        elif isinstance(value, bool):
            found += [each.option, "yes" if value else "no"]
        elif each.kind in {"texts", "numbers"}:
            found += [] if value else [f"--no-{each.option[2:]}"]
            found += [part for one in value for part in (each.option, shlex.quote(str(one)))]
        elif each.kind == "json":
            found += [each.option, shlex.quote(json.dumps(value))]
        else:
            found += [each.option, shlex.quote(str(value))]
    return found
