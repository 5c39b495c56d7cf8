"""The arguments of a unikernel that somebody started by hand, read as it reads them; secrets taken out.

Solo5 hands over one line, split at blanks: `--domain x25519.net` may be one argument or two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tenants.formats.existing.seen import SeenArgument
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.keys import signer_key, ssh_public_line
from tenants.formats.roles.kinds import SECRET_KINDS, Kind, check_value
from tenants.formats.roles.role import Era, Option
from tenants.formats.secret_arguments import is_secret
from tenants.formats.text import FormatError, printable

MOST_WORDS = 200
_LONGEST_NAME, _LONGEST_VALUE = 60, 300
_LONGEST_LINE = 40_000
_KEYS = frozenset({Kind.TSIG_KEY, Kind.UPDATE_KEY})
Mark = Callable[[bytes], str]


def _options() -> dict[str, tuple[Option, ...]]:
    """The options of all roles and generations by each of their spellings."""
    found: dict[str, dict[Option, None]] = {}
    for role in ROLES.values():
        for options in role.options.values():
            for each in options:
                for name in filter(None, (each.name, each.short)):
                    found.setdefault(name, {})[each] = None
    return {name: tuple(each) for name, each in found.items()}


OPTIONS = _options()
_FLAGS = frozenset(name for name, each in OPTIONS.items() if all(option.kind is Kind.FLAG for option in each))


def see_arguments(
    raw: Sequence[bytes], mark: Mark, told: Mapping[tuple[str, str], str] | None = None
) -> tuple[SeenArgument, ...]:
    """Read arguments; `mark` identifies a secret without telling it. Never raises for what they hold.

    `told` are public halves that are known already, by option and mark: a signer's takes up to a second.
    """
    line = b" ".join(raw)[:_LONGEST_LINE].decode("utf-8", "backslashreplace")
    return tuple(_seen(name, value, mark, told or {}) for name, value in _pairs(line.split()[:MOST_WORDS]))


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(option, value): either may be empty."""
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if not word.startswith("-") or word.strip("-") == "":
            yield "", word
            continue
        name, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2:  # -rVALUE
            name, equals, value = word[:2], "=", word[2:].removeprefix("=")
        name = OPTIONS[name][0].name if name in OPTIONS else name
        if not equals and name not in _FLAGS and rest and not rest[-1].startswith("-"):
            value = rest.pop()
        yield name, value


def _seen(name: str, value: str, mark: Mark, told: Mapping[tuple[str, str], str]) -> SeenArgument:
    options = OPTIONS.get(name, ())
    shown = printable(name, _LONGEST_NAME)
    secret = any(each.kind in SECRET_KINDS for each in options) if options else is_secret(name, value)
    problem = _problem(options, value)
    if value and secret:
        marked = mark(_identity(options, value))
        known = told.get((shown, marked))
        return SeenArgument(shown, "", _told(options, value) if known is None else known, marked, problem)
    return SeenArgument(shown, printable(value, _LONGEST_VALUE), "", "", problem)


def _identity(options: Iterable[Option], value: str) -> bytes:
    """What two spellings of one secret share: the name of a key is written in either case."""
    return tsig_identity(value) if {each.kind for each in options} & _KEYS else value.encode()


def tsig_identity(value: str) -> bytes:
    """A key as `name:SHA256:secret`, to be marked."""
    name, _, rest = value.partition(":")
    return f"{name.lower().removesuffix('.')}:{rest}".encode()


def _problem(options: Iterable[Option], value: str) -> str:
    """Why no image could use this value; "" if one of those that know the option can."""
    problems = []
    for each in options:
        if each.kind is Kind.FLAG:
            return ""
        try:
            check_value(each.kind, value, field=each.name)
        except FormatError as problem:
            problems.append(f"{problem.problem} {problem.fix}".strip())
            continue
        return ""
    return problems[0] if problems else ""


def _told(options: Iterable[Option], value: str) -> str:
    """The public half of a secret, where it costs little to know."""
    kinds = {each.kind for each in options}
    try:
        if kinds & _KEYS:
            name, algorithm, _ = (*value.split(":"), "", "")[:3]
            return printable(name.lower().removesuffix("."), _LONGEST_VALUE) if algorithm else ""
        if Kind.BASE64_SEED in kinds:
            return signer_key(value, Era.P23)
        if Kind.SSH_KEY in kinds and value.startswith("ed25519:"):
            return ssh_public_line(value)
    except (FormatError, ValueError):
        return ""
    return ""
