#!/usr/bin/env python3
"""A stand-in for iptables, its -save and its -restore: a table of text in the folder that is beside it.

It is run under the names of the real programs by the sandbox's helper, as an ordinary user, and changes
nothing on the machine. It takes what the helper gives (`--noflush`, chains, rules, jumps) and answers as the
real ones do.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

Table = dict[str, list[str]]
_BUILT_IN = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
}


class RefusedError(Exception):
    """As iptables says it."""


def first_tables(family: str) -> dict[str, Table]:
    """A host on which somebody else has rules already."""
    tables: dict[str, Table] = {name: {chain: [] for chain in chains} for name, chains in _BUILT_IN.items()}
    if family == "iptables":
        tables["nat"]["POSTROUTING"].append("-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE")
    return tables


def saved(tables: dict[str, Table], only: str, *, counters: bool) -> str:
    """As iptables-save prints it."""
    lines: list[str] = []
    for name, chains in tables.items():
        if only in {"", name}:
            ends = {chain: "ACCEPT" if chain in _BUILT_IN[name] else "-" for chain in chains}
            lines += [f"*{name}", *(f":{chain} {end} [0:0]" for chain, end in ends.items())]
            front = "[0:0] " if counters else ""
            lines += [f"{front}-A {chain} {rule}" for chain, rules in chains.items() for rule in rules]
            lines.append("COMMIT")
    return "".join(f"{line}\n" for line in lines)


def restore(tables: dict[str, Table], text: str) -> dict[str, Table]:
    """The tables after `iptables-restore --noflush`. Raises RefusedError; each table is taken whole."""
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("*") and line[1:] in _BUILT_IN:
            table = line[1:]
        elif line == "COMMIT":
            table = ""
        elif line.startswith(":") and table:
            tables[table][line[1:].split()[0]] = []
        elif not table or not _obey(tables[table], line.split(" ", 2), _BUILT_IN[table]):
            raise RefusedError(f"line {number} failed: {line}")
    if table:
        raise RefusedError("COMMIT expected")
    return tables


def _obey(table: Table, words: list[str], built_in: tuple[str, ...]) -> bool:
    verb, chain, rest = (*words, "", "", "")[:3]
    if chain not in table:
        return False
    rules = table[chain]
    jump = rest.removeprefix("1 ").removeprefix("-j ")
    if verb in {"-A", "-I"} and jump.startswith("ROOKERY-") and jump not in table:
        return False
    match verb:
        case "-A":
            rules.append(rest)
        case "-I":
            rules.insert(0, rest.removeprefix("1 "))
        case "-D" if rest in rules:
            rules.remove(rest)
        case "-F":
            rules.clear()
        case "-X" if not rules and chain not in built_in:
            if any(rule.endswith(f"-j {chain}") for others in table.values() for rule in others):
                return False
            del table[chain]
        case _:
            return False
    return True


def main(name: str, words: list[str], folder: Path) -> int:
    """Returns the exit status."""
    family = name.partition("-")[0]
    store = folder / f"{family}.json"
    tables = json.loads(store.read_text()) if store.exists() else first_tables(family)
    only = words[words.index("-t") + 1] if "-t" in words else ""
    if "legacy" in name:
        return 0
    if name.endswith("-save"):
        sys.stdout.write(saved(tables, only, counters="-c" in words))
        return 0
    if "--version" in words:
        sys.stdout.write("iptables v1.8.9 (nf_tables), of the sandbox\n")
        return 0
    try:
        if name.endswith("-restore"):
            after = restore(tables, sys.stdin.read())
        else:
            after = restore(tables, f"*{only}\n{' '.join(words[words.index('-t') + 2 :])}\nCOMMIT\n")
    except RefusedError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    if "--test" not in words:
        fresh = store.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(after))
        fresh.replace(store)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[0]).name, sys.argv[1:], Path(sys.argv[0]).parent.parent))
