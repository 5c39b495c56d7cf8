"""A zone as commands: for `nsupdate` towards any primary (RFC 2136), and for the git repository of ptt's.

Both are read by people and run by shells, so nothing in them is taken from outside unquoted.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tenants.formats.by_hand.shell import Secret, comment
from tenants.formats.zones.bind.exporting import bind_name, bind_text
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.zone import Zone
from tenants.formats.zones.zone_file import emit

__all__ = ["KEY_FILE", "GitPlace", "git_commands", "nsupdate_commands", "nsupdate_lines", "replaced_lines"]

KEY_FILE = Secret(
    "KEYFILE",
    "a file with a TSIG key that the name server knows, as tsig-keygen writes it; Keys, by hand, has the line"
    " that makes one",
)
_RECORDS_AT_ONCE = 200
_ADDRESSES = frozenset({"A", "AAAA"})


@dataclass(frozen=True)
class GitPlace:
    """Where ptt's primary reads its zones: the remote as git writes it, the branch, the primary's address."""

    remote: str
    branch: str
    address: str
    port: int


def nsupdate_lines(address: str, port: int, zone: Name, messages: Iterable[Iterable[str]]) -> str:
    """Return what `nsupdate -v -k KEYFILE` reads to send these messages, each given as its lines."""
    lines = [f"server {address} {port}", f"zone {bind_name(zone)}"]
    for message in messages:
        lines += [*message, "send"]
    return "\n".join(lines) + "\n"


def nsupdate_commands(zone: Zone, address: str, port: int) -> str:
    """Return what `nsupdate` reads to make a primary's records those of `zone`.

    Each set replaces what is there; other sets, the SOA and name servers that are there stay. Addresses come
    first: some primaries take no MX record before its host has one. Several messages, since one holds 64 KiB.
    """
    inside = [item for item in zone.sets if item.owner.within(zone.origin)]
    groups = _messages(sorted(inside, key=lambda item: item.type not in _ADDRESSES))
    messages = ([line for item in group for line in replaced_lines(item, zone.origin)] for group in groups)
    return "; nsupdate -v -k KEYFILE THIS-FILE\n" + nsupdate_lines(address, port, zone.origin, messages)


def replaced_lines(item: RecordSet, origin: Name) -> Iterator[str]:
    """Of `nsupdate`: the set as it shall be. Name servers of the zone itself can only be added."""
    owner = bind_name(item.owner)
    if (item.owner, item.type) != (origin, "NS"):
        yield f"update delete {owner} {item.type}"
    for data in item.data:
        yield f"update add {owner} {item.ttl} {item.type} {bind_text(data)}"


def _messages(sets: list[RecordSet]) -> Iterator[list[RecordSet]]:
    group: list[RecordSet] = []
    size = 0
    for item in sets:
        length = sum(len(bind_text(data)) + 300 for data in item.data)
        if group and (size + length > 50_000 or len(group) >= _RECORDS_AT_ONCE):
            yield group
            group, size = [], 0
        group.append(item)
        size += length
    if group:
        yield group


def git_commands(zone: Zone, place: GitPlace) -> str:
    """Return a shell script that does by hand what Rookery does: commit, push, tell the primary, ask.

    The serial is the zone's; the script stops at the first thing that fails, and holds no secret.
    """
    content = emit(zone).decode("utf-8", "replace")
    mark = "END-OF-ZONE"
    while mark in content:
        mark += "-"
    name = str(zone.origin).removesuffix(".")
    asked = f"dig +short @{shlex.quote(place.address)} -p {place.port}"
    return "\n".join(
        [
            "#!/bin/sh",
            f"# Puts the zone {name} into the repository that its primary reads, and tells the primary.",
            comment(f"{KEY_FILE.variable}: {KEY_FILE.where}"),
            "set -eu",
            f': "${{{KEY_FILE.variable}:?}}"',
            'folder="$(mktemp -d)"',
            f'git clone --depth 1 --branch {shlex.quote(place.branch)} {shlex.quote(place.remote)} "$folder"',
            'cd "$folder"',
            f"cat > {shlex.quote(name)} <<'{mark}'",
            content.rstrip("\n"),
            mark,
            f"git add {shlex.quote(name)}",
            f"git commit -m {shlex.quote(f'Write {name}')}",
            f"git push origin {shlex.quote(f'HEAD:{place.branch}')}",
            f'{asked} +tcp +timeout=60 +opcode=notify -k "$KEYFILE" {shlex.quote(name)} SOA',
            "# It is proved when this shows the new serial:",
            f"{asked} {shlex.quote(name)} SOA",
            "",
        ]
    )
