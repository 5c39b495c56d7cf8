"""What may be given to `iptables-restore` in our name: lines of our own chains, and nothing else.

This is the last look before a host's firewall changes, so it trusts nobody who made the text, ourselves
included; the helper on the host holds the same rules.
"""

from __future__ import annotations

import re

from tenants.formats.firewall.rules import CHAINS, TABLES, Chain
from tenants.formats.text import FormatError, printable

_DECLARED = re.compile(r":(\S+) - \[0:0\]")
_ADDED = re.compile(r"-A (\S+) (.+)")
_HOOK = re.compile(r"(?:-D (\w+)|-I (\w+) 1) -j (\S+)")
_EMPTIED = re.compile(r"-[FX] (\S+)")
_ADDRESS = r"[0-9a-f.:]{2,39}(?:/[0-9]{1,3})?"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}"
_MATCHES = (
    rf"(?:-s {_ADDRESS} )?(?:-d {_ADDRESS} )?(?:-i {_NAME} )?(?:-o {_NAME} )?"
    r"(?:-p (?:tcp|udp|icmp|ipv6-icmp) )?(?:-m (?:tcp|udp) --dport [0-9]{1,5} )?"
    r"(?:-m conntrack (?:! )?--ctstate (?:RELATED,ESTABLISHED|DNAT) )?"
    r'(?:-m comment --comment (?:[A-Za-z0-9_-]{1,120}|"[A-Za-z0-9 ._:/@-]{1,120}") )?'
)
_VERDICTS = {
    Chain.FORWARD: r"(?:-j (?:ACCEPT|DROP|RETURN|REJECT --reject-with icmp6?-port-unreachable) )?",
    Chain.OWNER: "",
    Chain.DNAT: r"-j (?:ACCEPT|RETURN|DNAT --to-destination [0-9a-f.:\[\]]{2,50}) ",
    Chain.SNAT: rf"-j (?:ACCEPT|RETURN|MASQUERADE|SNAT --to-source {_ADDRESS}) ",
}
_VERDICTS[Chain.INPUT] = _VERDICTS[Chain.FORWARD]
# The grammar alone, since a thousand rules must not take longer to look at than to apply: whether addresses
# and ports mean something, `iptables-restore` says.
_RULES = {chain: re.compile(_MATCHES + verdict) for chain, verdict in _VERDICTS.items()}


def check_restore_text(text: str) -> None:
    """Raise FormatError (field `rules`) for text that would touch anything but our own chains."""
    table = ""
    seen: set[str] = set()
    declared: set[Chain] = set()
    lines = text.split("\n")
    if lines.pop() != "":
        raise _refuse(len(lines) + 1, "is cut off", text[-80:])
    for number, line in enumerate(lines, start=1):
        if not table:
            table = line[1:]
            if not line.startswith("*") or table not in TABLES or table in seen:
                raise _refuse(number, "begins no table of ours", line)
            seen.add(table)
        elif line == "COMMIT":
            table, declared = "", set()
        elif not _allowed(line, table, declared):
            raise _refuse(number, "is nothing that Rookery writes", line)
    if table:
        raise _refuse(len(lines), "does not end its table", lines[-1])


def _allowed(line: str, table: str, declared: set[Chain]) -> bool:
    """Whether a line is ours. A chain must be emptied before rules are added, or they would pile up."""
    if found := _DECLARED.fullmatch(line):
        chain = _ours(found[1], table)
        if chain:
            declared.add(chain)
        return chain is not None
    if found := _ADDED.fullmatch(line):
        chain = _ours(found[1], table)
        return bool(chain and chain in declared and _RULES[chain].fullmatch(f"{found[2]} "))
    if found := _EMPTIED.fullmatch(line):
        return _ours(found[1], table) is not None
    if found := _HOOK.fullmatch(line):
        chain = _ours(found[3], table)
        return chain is not None and (found[1] or found[2]) in chain.hooks
    return False


def _ours(name: str, table: str) -> Chain | None:
    chain = CHAINS.get(name)
    return chain if chain and chain.table == table else None


def _refuse(number: int, why: str, line: str) -> FormatError:
    return FormatError(
        "rules",
        f"Line {number} {why}: “{printable(line, 100)}”.",
        "Nothing was changed. Report this as a bug.",
    )
