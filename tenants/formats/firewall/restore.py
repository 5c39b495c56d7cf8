"""Rules and what is there → input for `iptables-restore --noflush`, a diff, and the same by hand.

Each table is replaced in one transaction, filter before nat. Naming a chain of ours empties it; jumps into it
are added or moved only where they are missing, double or late, so applying twice is applying once.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import dataclass

from tenants.formats.firewall.rules import TABLES, Chain, Rule, Target
from tenants.formats.firewall.saved import NOTHING, Owner, Saved
from tenants.formats.text import FormatError

USED = tuple(chain for chain in Chain if chain is not Chain.OWNER)
"""Those that packets come to."""


@dataclass(frozen=True)
class Wanted:
    """What a host's chains should hold, for one family (4 or 6). `rules` are those of `derive`."""

    owner: Owner
    rules: tuple[Rule, ...]
    family: int = 4

    def texts(self, chain: Chain) -> tuple[str, ...]:
        """A chain's rules as `iptables-save` prints them."""
        return tuple(" ".join(rule.words(self.family)) for rule in self.rules if rule.chain is chain)

    @property
    def mark(self) -> str:
        """The rule that says whose the chains are; no packet ever comes to it."""
        note = f"rookery {self.owner.installation} {self.owner.generation}"
        return str(Rule(Chain.OWNER, Target.NOTHING, note=note))


def check_owner(wanted: Wanted, saved: Saved) -> None:
    """Raise FormatError (field `owner`) when the chains are another Rookery's, or newer than ours."""
    there = saved.owner
    if there is None:
        if any(saved.chains.get(chain) for chain in USED):
            raise FormatError(
                "owner",
                "There are chains with our prefix that no Rookery has signed.",
                "Remove them by hand.",
            )
    elif there.installation != wanted.owner.installation:
        raise FormatError(
            "owner",
            f"Another Rookery ({there.installation}) looks after this host's firewall.",
            "Let only one of them do it.",
        )
    elif there.generation > wanted.owner.generation:
        raise FormatError(
            "owner",
            f"The host has generation {there.generation}, and this Rookery knows only "
            f"{wanted.owner.generation}: its database was set back, or cloned.",
            "Compare both before you go on.",
        )


def is_there(wanted: Wanted, saved: Saved) -> bool:
    """Whether the host has exactly these rules, hooked in once and in time. The generation does not count."""
    same = all(saved.chains.get(chain, ()) == wanted.texts(chain) for chain in USED)
    marked = saved.owner is not None and saved.owner.installation == wanted.owner.installation
    return same and marked and not any(_wrong_hooks(saved))


def restore_text(wanted: Wanted, saved: Saved, only: Container[Chain] = USED) -> str:
    """The input for `iptables-restore --noflush`; nothing when nothing is to do. Chains that are not among
    `only` stay as they are. Raises FormatError."""
    check_owner(wanted, saved)
    if is_there(wanted, saved):
        return ""
    lines: list[str] = []
    for table in TABLES:
        chains = [
            chain for chain in Chain if chain.table == table and (chain in only or chain is Chain.OWNER)
        ]
        if not chains:
            continue
        lines += [f"*{table}", *(f":{chain.label} - [0:0]" for chain in chains)]
        for chain in chains:
            texts = (wanted.mark,) if chain is Chain.OWNER else wanted.texts(chain)
            lines += [f"-A {chain.label} {text}" for text in texts]
        lines += [line for hooked, line in _hook_lines(saved) if hooked.table == table and hooked in only]
        lines.append("COMMIT")
    return "\n".join(lines) + "\n"


def removal_text(saved: Saved, only: Collection[Chain] = USED) -> str:
    """The input for `iptables-restore --noflush` that leaves nothing of ours, or none of some chains; foreign
    rules stay. The mark of ownership goes with the last chain."""
    last = all(chain in only for chain in saved.chains if chain is not Chain.OWNER)
    gone = {chain for chain in saved.chains if chain in only or (last and chain is Chain.OWNER)}
    lines: list[str] = []
    for table in TABLES:
        chains = [chain for chain in saved.chains if chain.table == table and chain in gone]
        if not chains:
            continue
        lines.append(f"*{table}")
        for (chain, builtin), count in saved.hooks.items():
            if chain.table == table and chain in gone:
                lines += [f"-D {builtin} -j {chain.label}"] * count
        lines += [f"-F {chain.label}" for chain in chains]
        lines += [f"-X {chain.label}" for chain in chains]
        lines.append("COMMIT")
    return "\n".join(lines) + "\n" if lines else ""


def diff(wanted: Wanted, saved: Saved) -> tuple[str, ...]:
    """A unified diff of all that would change, as lines; nothing when nothing would."""
    before = [f"-A {chain.label} {text}" for chain in USED for text in saved.chains.get(chain, ())]
    after = [f"-A {chain.label} {text}" for chain in USED for text in wanted.texts(chain)]
    before += [
        f"-A {builtin} -j {chain.label}" for (chain, builtin), n in saved.hooks.items() for _ in range(n)
    ]
    wrong = set(_wrong_hooks(saved))
    kept = [key for key in saved.hooks if key not in wrong]
    added = [(chain, builtin) for chain in USED for builtin in chain.hooks if (chain, builtin) not in kept]
    after += [f"-A {builtin} -j {chain.label}" for chain, builtin in (*kept, *added)]
    changed = difflib.unified_diff(before, after, "on the host", "wanted", lineterm="", n=1)
    return tuple(changed)


def commands(wanted: Wanted, saved: Saved, *, program: str = "iptables") -> tuple[str, ...]:
    """The shell commands that do the same one by one; not atomic as the restore is."""
    texts = {chain: wanted.texts(chain) for chain in USED} | {Chain.OWNER: (wanted.mark,)}
    hooks = (f"{program} -t {chain.table} {line}" for chain, line in _hook_lines(saved))
    return (*_chain_commands(texts, saved.chains, program), *hooks)


def first_commands(rules: tuple[Rule, ...], *, program: str = "iptables") -> tuple[str, ...]:
    """The shell commands that put rules on a host that has none of ours, without a mark of ownership."""
    hooks = (f"{program} -t {chain.table} {line}" for chain, line in _hook_lines(NOTHING))
    return (*_chain_commands(_by_chain(rules, program), (), program), *hooks)


def next_commands(rules: tuple[Rule, ...], *, program: str = "iptables") -> tuple[str, ...]:
    """The shell commands that put other rules into chains that are there and hooked in."""
    return tuple(_chain_commands(_by_chain(rules, program), USED, program))


def rule_commands(rule: Rule, *, program: str = "iptables") -> tuple[str, ...]:
    """The shell commands that add one rule to its chain, wherever they are run: twice does no harm."""
    here, label = f"{program} -t {rule.chain.table}", rule.chain.label
    text = _text(rule, program)
    return (
        f"{here} -S {label} >/dev/null 2>&1 || {here} -N {label}",
        f"{here} -C {label} {text} 2>/dev/null || {here} -A {label} {text}",
        *(
            f"{here} -C {hook} -j {label} 2>/dev/null || {here} -I {hook} 1 -j {label}"
            for hook in rule.chain.hooks
        ),
    )


def _text(rule: Rule, program: str) -> str:
    return " ".join(rule.words(6 if program.startswith("ip6") else 4))


def _by_chain(rules: tuple[Rule, ...], program: str) -> dict[Chain, tuple[str, ...]]:
    return {chain: tuple(_text(rule, program) for rule in rules if rule.chain is chain) for chain in USED}


def _chain_commands(
    texts: Mapping[Chain, tuple[str, ...]], present: Container[Chain], program: str
) -> Iterator[str]:
    for chain, rules in texts.items():
        here = f"{program} -t {chain.table}"
        yield f"{here} {'-F' if chain in present else '-N'} {chain.label}"
        yield from (f"{here} -A {chain.label} {text}" for text in rules)


def state_of(saved: Saved, chain: Chain) -> tuple[str, ...] | None:
    """A chain as lines of `iptables-save`, with the jumps into it. None when it is not there, or is empty and
    nothing jumps to it: no packet could tell."""
    lines = [f"-A {chain.label} {text}" for text in saved.chains.get(chain, ())]
    for builtin in chain.hooks:
        late = " (behind a foreign rule)" if (chain, builtin) in saved.late else ""
        lines += [f"-A {builtin} -j {chain.label}{late}"] * saved.hooks.get((chain, builtin), 0)
    return tuple(lines) or None


def state_wanted(wanted: Wanted, chain: Chain) -> tuple[str, ...]:
    """The same for what should be there."""
    rules = (f"-A {chain.label} {text}" for text in wanted.texts(chain))
    return (*rules, *(f"-A {builtin} -j {chain.label}" for builtin in chain.hooks))


def _wrong_hooks(saved: Saved) -> Iterator[tuple[Chain, str]]:
    for chain in USED:
        for builtin in chain.hooks:
            if saved.hooks.get((chain, builtin), 0) != 1 or (chain, builtin) in saved.late:
                yield chain, builtin


def _hook_lines(saved: Saved) -> Iterator[tuple[Chain, str]]:
    for chain, builtin in _wrong_hooks(saved):
        for _ in range(saved.hooks.get((chain, builtin), 0)):
            yield chain, f"-D {builtin} -j {chain.label}"
        yield chain, f"-I {builtin} 1 -j {chain.label}"
