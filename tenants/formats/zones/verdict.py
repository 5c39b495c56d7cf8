"""The verdict of ptt's primary on zone files: served or not, why not, and what it would write back.

A rejected zone is not kept as it was: it is no longer served (rcode NOTAUTH), and the next dynamic update of any
zone deletes its file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tenants.formats.text import printable
from tenants.formats.zones.data import NS
from tenants.formats.zones.dialect import NEW, Dialect
from tenants.formats.zones.holding import BrokenRuleError, Held, HeldSet, Tree, collect
from tenants.formats.zones.names import Name
from tenants.formats.zones.reader import UnreadableError, read_records
from tenants.formats.zones.tree_check import check_tree
from tenants.formats.zones.write_back import write_back

__all__ = ["Verdict", "judge", "judge_all"]


@dataclass(frozen=True)
class Verdict:
    """What the primary does with one file.

    `reason` is empty for an accepted file, else a sentence; `line` (from 1) is where the reader gave up, None
    for rules of the whole zone. `dropped` are names outside the zone whose records it ignores. `written_back`
    is the file after a dynamic update, None for a rejected file and where the primary fails to write one;
    `survives` whether it accepts that file again.
    """

    accepted: bool
    reason: str = ""
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
    verdicts: dict[Name, Verdict] = {}
    for family in _families(files):
        verdicts |= _judge_family({origin: files[origin] for origin in family}, dialect)
    return {origin: verdicts[origin] for origin in files}


def _families(files: Mapping[Name, bytes]) -> list[list[Name]]:
    """Group zones under the highest of their ancestors among them: unrelated ones never meet."""
    groups: dict[Name, list[Name]] = {}
    for origin in files:
        tops = [above for above in origin.ancestors() if above in files]
        groups.setdefault(tops[-1] if tops else origin, []).append(origin)
    return list(groups.values())


def _judge_family(files: Mapping[Name, bytes], dialect: Dialect) -> dict[Name, Verdict]:
    loaded = _Load(files, dialect)
    written = {origin: write_back(loaded.tree, origin) for origin in loaded.accepted}
    again = _Load({origin: data for origin, data in written.items() if data is not None}, dialect)
    verdicts = dict(loaded.rejected)
    for origin, data in written.items():
        survives = origin in again.accepted
        verdicts[origin] = Verdict(True, "", None, loaded.dropped[origin], data, survives)
    return verdicts


class _Load:
    """The tree after files were loaded one by one, as at boot and at each NOTIFY.

    As in the primary, the whole tree is checked after each file: related zones cost the square of their number.
    """

    def __init__(self, files: Mapping[Name, bytes], dialect: Dialect) -> None:
        self.tree = Tree(dialect)
        self.accepted: dict[Name, Mapping[Name, Held]] = {}
        self.rejected: dict[Name, Verdict] = {}
        outside: dict[Name, dict[Name, Held]] = {}
        for origin, data in files.items():
            try:
                names = collect(read_records(data, dialect))
                self._add(origin, {name: held for name, held in names.items() if name.within(origin)})
            except UnreadableError as error:
                line = None if error.position is None else data.count(b"\n", 0, error.position) + 1
                self.rejected[origin] = Verdict(False, error.reason, line)
            except BrokenRuleError as error:
                self.rejected[origin] = Verdict(False, str(error))
            else:
                outside[origin] = {name: held for name, held in names.items() if not name.within(origin)}
        self.dropped = {origin: self._add_glue(origin, names) for origin, names in outside.items()}

    def _add(self, origin: Name, inside: Mapping[Name, Held]) -> None:
        if "SOA" not in inside.get(origin, {}):
            raise BrokenRuleError(f"The file has no SOA record for {printable(origin.short, 260)}.")
        try:
            self.tree.insert(inside)
            check_tree(self.tree)
        except BrokenRuleError:
            self.tree = Tree(self.tree.dialect)
            for names in self.accepted.values():
                self.tree.insert(names)
            raise
        self.accepted[origin] = inside

    def _add_glue(self, origin: Name, names: Mapping[Name, Held]) -> tuple[Name, ...]:
        """Keep addresses of the zone's name servers for which no zone answers; return the names left over."""
        servers = self.tree.find(origin, "NS")
        used: set[tuple[Name, str]] = set()
        for item in servers.data if isinstance(servers, HeldSet) else ():
            if isinstance(item, NS) and item.target in names and not self.tree.answers_for(item.target):
                glue = {kind: held for kind, held in names[item.target].items() if kind in {"A", "AAAA"}}
                self.tree.insert({item.target: glue})
                used |= {(item.target, kind) for kind in glue}
        return tuple(name for name in sorted(names) if any((name, kind) not in used for kind in names[name]))
