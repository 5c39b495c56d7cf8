"""What a host's firewall says in conditions, proof and plans: sentences for people, details for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tenants.formats.firewall.helper import PATH, Family, Report, install_commands
from tenants.formats.firewall.rules import Chain
from tenants.formats.firewall.saved import Counter
from tenants.formats.text import printable
from tenants.models import Condition, Firewall, Host
from workers.firewall.decide import FirewallChange
from workers.outcome import NeedsPerson
from workers.plan import Limits, Plan
from workers.targets.base import Statement

_MOST_STRAYS = 50
_MOST_SHOWN = 2000
_LEFT = "Rookery left it alone. Choose “repair” to write what Rookery has, or put it right on the host."


class FirewallLimits(Limits):
    """Taking away most of what lets traffic in needs a person who read it."""

    def objections(self, plan: Plan) -> Sequence[str]:
        counts = [each.rules for each in plan.changes if isinstance(each, FirewallChange)]
        before, gone = sum(b for b, _ in counts), sum(max(0, b - a) for b, a in counts)
        if gone < 2 * self.deletions_at_least or gone * 2 <= before:
            return []
        return [f"It would take away {gone} of {before} rules at once."]


def amount(plan: Plan) -> str:
    count = len(plan.changes)
    return f"{count} chain{'s' if count != 1 else ''}"


def describe(report: Report) -> str:
    parts = []
    for family, seen in sorted(report.families.items()):
        count = sum(len(rules) for chain, rules in seen.saved.chains.items() if chain is not Chain.OWNER)
        parts.append(f"IPv{family}: {count} rules of ours, {seen.nft + seen.legacy} of others")
    return "; ".join(parts) + "."


def by_hand(text: str, program: str) -> list[str]:
    """Lines of `iptables-restore` as commands."""
    lines, table = [], ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith("-"):
            lines.append(f"{program} -t {table} {line}")
    return lines


def require_one_back_end(host: Host, family: int, seen: Family) -> None:
    """Raise NeedsPerson where ours and the rules of others lie in different back-ends of the kernel: either
    would be asked without knowing of the other."""
    others_here = seen.nft if seen.program.endswith("-nft") else seen.legacy
    if seen.is_mixed and not others_here and seen.saved.chains:
        other = "legacy" if seen.program.endswith("-nft") else "nft"
        raise NeedsPerson(
            "other-back-end",
            f"On {host} the other rules for IPv{family} have moved to iptables-{other}; ours are in "
            f"{seen.program}.",
            f"Remove ours there ({seen.program} -t nat and -t filter, chains ROOKERY-*), then look again:"
            " they are written beside the others.",
        )


def no_helper(host: Host, said: str) -> tuple[str, str]:
    commands = "; ".join(install_commands(host.username))
    return (
        f"{host} has no {PATH} that {host.username} may run: {said}",
        f"Download it from the page of this firewall, and as root there: {commands}.",
    )


def cut_off(host: Host, why: str) -> NeedsPerson:
    return NeedsPerson(
        "cut-off",
        f"This change would cut Rookery's own way to {host} ({why}). The host undid it by itself.",
        "Let port 22 in from Rookery's address by a rule before the one that cuts it, or remove that rule."
        " “Look now” tries the same once more.",
    )


def statements(plan: Plan, seen: dict[str, Any]) -> list[Statement]:
    found = []
    for reason, kind, none in (
        ("drift", Condition.Type.DRIFTED, "Nobody else changed our chains."),
        ("conflict", Condition.Type.CONFLICTED, "Nothing was changed both here and there."),
    ):
        units = [each for each in plan.apart if each.reason == reason]
        if not units:
            found.append(Statement(kind, False, "none", none))
            continue
        sentence = " ".join(each.sentence for each in units)
        details = {"units": [each.as_dict() for each in units], "count": len(units)}
        found.append(Statement(kind, True, reason, f"{sentence} {_LEFT}", details))
    return [*found, _foreign(seen)]


def _foreign(seen: dict[str, Any]) -> Statement:
    """What has our prefix and is not ours."""
    kind = Condition.Type.FOREIGN_ENTRIES
    shown = [str(each) for each in seen.get("strays", ())]
    if not shown:
        return Statement(kind, False, "none", "Nothing else on the host has our prefix.")
    count = int(seen.get("stray_count", len(shown)))
    return Statement(
        kind,
        True,
        "our-prefix",
        f"Lines with ROOKERY- on the host that Rookery did not write: {count}; the first is {shown[0]}."
        " Rookery left them as they are. Give them another name.",
        {"count": count, "names": shown},
    )


def evidence(report: Report) -> dict[str, str]:
    found = {}
    for family, seen in sorted(report.families.items()):
        if seen.saved.chains:
            count = sum(len(rules) for chain, rules in seen.saved.chains.items() if chain is not Chain.OWNER)
            found[f"IPv{family} rules"] = f"{count} in {seen.program}"
            found[f"IPv{family} SHA-256"] = seen.saved.fingerprint
    found["After a reboot"] = kept_sentence(report)
    return found


def kept_sentence(report: Report) -> str:
    kept = all(
        seen.kept == (seen.saved.fingerprint if seen.saved.chains else "")
        for seen in report.families.values()
    )
    if not kept:
        return "what was confirmed last, which is not what is there now"
    if not report.boot and any(seen.kept for seen in report.families.values()):
        return "kept, but rookery-firewall.service is not enabled there"
    return "the same rules"


def keep_facts(firewall: Firewall, report: Report, now: datetime) -> None:
    """What the page shows: each rule with its counters, and what was found around it."""
    families = {}
    strays: list[str] = []
    for family, seen in sorted(report.families.items()):
        saved = seen.saved
        strays += [f"IPv{family}: {printable(line, 200)}" for line in saved.strays]
        chains = {
            chain.label: [
                [printable(text, 400), *_counted(saved.counters.get(chain, ()), at)]
                for at, text in enumerate(rules[:_MOST_SHOWN])
            ]
            for chain, rules in saved.chains.items()
            if chain is not Chain.OWNER
        }
        families[str(family)] = {
            "program": seen.program,
            "others": seen.nft + seen.legacy,
            "fingerprint": saved.fingerprint,
            "chains": chains,
        }
    facts: dict[str, Any] = {
        "families": families,
        "reboot": kept_sentence(report),
        "strays": strays[:_MOST_STRAYS],
        "stray_count": len(strays),
    }
    Firewall.objects.filter(pk=firewall.pk).update(seen=facts, seen_at=now)
    firewall.seen, firewall.seen_at = facts, now


def _counted(counters: Sequence[Counter], at: int) -> tuple[int, int]:
    return (counters[at].packets, counters[at].bytes) if at < len(counters) else (0, 0)
