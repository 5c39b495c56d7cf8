"""The verdict of ptt's primary on zone files: served or not, why not, and what it would write back.

A rejected zone is not kept as it was: it is no longer served (rcode NOTAUTH), and the next dynamic update of
any zone deletes its file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tenants.formats.zones.data.location import LOC
from tenants.formats.zones.data.simple import NS
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.advice import advice, line_of
from tenants.formats.zones.primary.dialect import NEW, Dialect
from tenants.formats.zones.primary.errors import BrokenRuleError, UnreadableError
from tenants.formats.zones.primary.reader import read_records
from tenants.formats.zones.primary.tree import Held, HeldSet, Tree, check_tree, collect, no_soa
from tenants.formats.zones.primary.write_back import write_back

__all__ = ["Serving", "Verdict", "judge", "judge_all", "serve"]


@dataclass(frozen=True)
class Verdict:
    """What the primary does with one file.

    `reason` and `fix` are empty for an accepted file, else sentences; `line` (from 1) is where the reader
    gave up, None for rules of the whole zone. `dropped` are names outside the zone whose records it ignores.
    `written_back` is the file after a dynamic update, None for a rejected file and where the primary fails
    to write one; `survives` whether it accepts that file again.
    """

    accepted: bool
    reason: str = ""
    fix: str = ""
    line: int | None = None
    dropped: tuple[Name, ...] = ()
    written_back: bytes | None = field(default=None, repr=False)
    survives: bool = False


def judge(data: bytes, origin: Name, dialect: Dialect = NEW) -> Verdict:
    """Return the verdict on the file of zone `origin`, on a primary that has no zone above or below it.

    Never raises, whatever the bytes; work grows with the size of the file.
    """
    return judge_all({origin: data}, dialect)[origin]


def judge_all(files: Mapping[Name, bytes], dialect: Dialect = NEW) -> dict[Name, Verdict]:
    """Return the verdict on each of several files, loaded in the order given.

    Zones above or below each other share names: the file of one may break a rule together with another's.
    """
    loaded = _load(files, dialect)
    tree, dropped = _assemble(loaded, dialect)
    written = {origin: write_back(tree, origin) for origin in loaded.accepted}
    changed = any(data is not None and data != files[origin] for origin, data in written.items())
    kept = {origin: data for origin, data in written.items() if data is not None}
    again = _load(kept, dialect) if changed or loaded.rejected else loaded
    verdicts = loaded.rejected | {
        origin: Verdict(
            True,
            dropped=dropped[origin],
            written_back=data,
            survives=data is not None and origin in again.accepted,
        )
        for origin, data in written.items()
    }
    return {origin: verdicts[origin] for origin in files}


@dataclass(frozen=True)
class Serving:
    """What a primary serves after it has read its files: the tree, its zones in order, and the verdicts
    on the files that it ignores. `dropped` are, by zone, the names outside it whose records it ignores."""

    tree: Tree
    origins: tuple[Name, ...]
    rejected: Mapping[Name, Verdict]
    dropped: Mapping[Name, tuple[Name, ...]]


def serve(files: Mapping[Name, bytes], dialect: Dialect = NEW) -> Serving:
    """Return what a primary serves when these are all its files, loaded in the order given."""
    loaded = _load(files, dialect)
    tree, dropped = _assemble(loaded, dialect)
    return Serving(tree, tuple(loaded.accepted), loaded.rejected, dropped)


@dataclass
class _File:
    """What an accepted file says: names in its zone, and others."""

    inside: dict[Name, Held]
    outside: dict[Name, Held]


@dataclass
class _Loaded:
    accepted: dict[Name, _File] = field(default_factory=dict)
    rejected: dict[Name, Verdict] = field(default_factory=dict)


def _assemble(loaded: _Loaded, dialect: Dialect) -> tuple[Tree, dict[Name, tuple[Name, ...]]]:
    """Return the tree of all accepted files, glue included, and the names that it has no room for."""
    tree = Tree(dialect)
    for zone in loaded.accepted.values():
        tree.insert(zone.inside)
    return tree, {origin: _add_glue(tree, origin, zone.outside) for origin, zone in loaded.accepted.items()}


def _load(files: Mapping[Name, bytes], dialect: Dialect) -> _Loaded:
    """Read and check files one by one. The whole tree is checked after each; only zones above and below each
    other can matter to that, so only they are put together: they cost the square of their number."""
    loaded = _Loaded()
    families: dict[Name, Tree] = {}
    for origin, data in files.items():
        top = next((above for above in reversed(list(origin.ancestors())) if above in files), origin)
        tree = families.setdefault(top, Tree(dialect))
        try:
            zone = _read(data, origin, dialect)
            tree.insert(zone.inside)
            check_tree(tree)
        except UnreadableError as error:
            position = error.position or 0
            fix = advice(data, position)
            loaded.rejected[origin] = Verdict(False, error.reason, fix, line_of(data, position))
        except BrokenRuleError as error:
            loaded.rejected[origin] = Verdict(False, error.reason, error.fix)
            families[top] = Tree(dialect)
            for name, other in loaded.accepted.items():
                if name.within(top):
                    families[top].insert(other.inside)
        else:
            loaded.accepted[origin] = zone
    return loaded


def _read(data: bytes, origin: Name, dialect: Dialect) -> _File:
    names = collect(read_records(data, dialect))
    outside = {name: held for name, held in names.items() if not name.within(origin)}
    inside = {name: held for name, held in names.items() if name not in outside}
    _check_printable(outside)
    if "SOA" not in inside.get(origin, {}):
        raise no_soa(origin)
    return _File(inside, outside)


def _add_glue(tree: Tree, origin: Name, names: Mapping[Name, Held]) -> tuple[Name, ...]:
    """Keep addresses of the zone's name servers for which no zone answers; return the names left over."""
    servers = tree.find(origin, "NS")
    used: set[tuple[Name, str]] = set()
    for item in servers.data if isinstance(servers, HeldSet) else ():
        if isinstance(item, NS) and item.target in names and not tree.answers_for(item.target):
            glue = {kind: held for kind, held in names[item.target].items() if kind in {"A", "AAAA"}}
            tree.insert({item.target: glue})
            used |= {(item.target, kind) for kind in glue}
    return tuple(name for name in sorted(names) if any((name, kind) not in used for kind in names[name]))


def _check_printable(others: Mapping[Name, Held]) -> None:
    """What lies outside the zone is written to the log, which stops the primary if it cannot be written."""
    for held in others.values():
        places = held.get("LOC")
        found = places.data if isinstance(places, HeldSet) else ()
        if not all(item.writable for item in found if isinstance(item, LOC)):
            raise BrokenRuleError(
                "A LOC record outside the zone has a height at which the primary stops.", "Remove the record."
            )
