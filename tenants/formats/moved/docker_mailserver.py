"""docker-mailserver: `postfix-accounts.cf`, `postfix-virtual.cf` and `dovecot-quotas.cf`, one of them or
several behind each other; what a line is, its form says.

    anna@example.org|{SHA512-CRYPT}$6$…|further settings
    sales@example.org anna@example.org,ben@home.example
    anna@example.org:5G
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tenants.formats.moved.found import FoundAddress, scheme_of
from tenants.formats.tables import MAX_ROWS
from tenants.formats.text import FormatError

_ACCOUNT = re.compile(r"([^|\s,;]+@[^|\s,;]+)\|([^|]*)(?:\|.*)?")
_QUOTA = re.compile(r"([^|\s,;:]+@[^|\s,;:]+):([0-9]{1,18}[kMGTB]?)")
_VIRTUAL = re.compile(r"([^|\s,;:\"']+)\s+(\S.*)")
_FIRST_VIRTUAL = re.compile(r"[^|\s,;:\"']*@[^|\s,;:\"']+\s+\S*@")
_LONGEST = 20_000


def is_docker_mailserver(text: str) -> bool:
    first = next(_lines(text[:_LONGEST]), (0, ""))[1]
    return any(pattern.match(first) for pattern in (_ACCOUNT, _FIRST_VIRTUAL)) or bool(
        _QUOTA.fullmatch(first)
    )


def read_docker_mailserver(text: str) -> tuple[str, list[FoundAddress]]:
    """`line`, and what each line says. Raises FormatError for one that is none of the three."""
    found: list[FoundAddress] = []
    for number, line in _lines(text):
        if len(found) >= MAX_ROWS:
            raise FormatError(
                "file", f"The file has more than {MAX_ROWS:,} rows.", "Cut it into several files."
            )
        found.append(_found(number, line))
    return "line", found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _found(number: int, line: str) -> FoundAddress:
    if len(line) <= _LONGEST:
        if account := _ACCOUNT.fullmatch(line):
            scheme = scheme_of(account[2].strip()) if account[2].strip() else ""
            return FoundAddress(number, account[1], keeps_mail=True, scheme=scheme)
        if quota := _QUOTA.fullmatch(line):
            return FoundAddress(number, quota[1], quota=quota[2])
        if line.startswith("/"):
            return FoundAddress(number, line, pattern=True)
        if virtual := _VIRTUAL.fullmatch(line):
            targets = tuple(part for part in re.split(r"[\s,]+", virtual[2]) if part)
            return FoundAddress(number, virtual[1], targets)
    raise FormatError(
        "file",
        f"Line {number} is no line of postfix-accounts.cf, postfix-virtual.cf or dovecot-quotas.cf.",
        "Correct it, or take it out.",
    )
