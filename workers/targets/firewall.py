"""The firewall of a host as a sync target: joins the helper's client, the plan and desired state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tenants.desired_firewall import DesiredFirewall, desired_firewall
from tenants.formats.firewall.helper import Family, Report
from tenants.formats.firewall.restore import check_owner, commands
from tenants.formats.text import FormatError
from tenants.models import Firewall, Host, SyncTarget
from tenants.secrets import Opener
from workers import firewall as protocol
from workers import ssh, surveying
from workers.firewall.client import CONFIRM_WITHIN, FirewallClient
from workers.firewall.decide import Base, Decision, decide
from workers.outcome import NeedsPerson, Retry
from workers.plan import Limits, Plan
from workers.targets import firewall_statements as words
from workers.targets.base import Findings, Pass, Proof, Statement
from workers.targets.firewall_owners import taken_from
from workers.targets.host_connection import outcomes, ssh_endpoint
from workers.targets.sent import remember_sent, sent_since

_MOST_COMMANDS = 2000


@dataclass(frozen=True)
class ObservedFirewall:
    report: Report = field(repr=False)
    desired: DesiredFirewall = field(repr=False)
    client: FirewallClient = field(repr=False)

    @property
    def families(self) -> Iterator[tuple[int, Family]]:
        yield from sorted(self.report.families.items())


class HostFirewall:
    """See workers.targets.base.TargetKind. `command` is the beginning of the helper's command line there,
    `confirm_within` the seconds after which the host undoes what nobody confirmed."""

    def __init__(
        self,
        *,
        opener: Opener,
        pool: ssh.ConnectionPool,
        command: str,
        confirm_within: int = CONFIRM_WITHIN,
    ) -> None:
        self.limits: Limits = words.FirewallLimits()
        self._opener, self._pool = opener, pool
        self._command, self._seconds = command, confirm_within

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        host = _firewall(target).host
        if plan is None:
            return f"Bring the firewall of {host} into agreement"
        if not plan.changes:
            return f"Compare the firewall of {host}"
        return f"Write {words.amount(plan)} of the firewall of {host}"

    # observe --------------------------------------------------------------------------------------

    def observe(self, current: Pass) -> ObservedFirewall:
        firewall = _firewall(current.target)
        host = firewall.host
        if host.transport != Host.Transport.SSH:
            raise NeedsPerson(
                "no-ssh", f"{host} is not reached by SSH any more.", "Connect it by SSH for its firewall."
            )
        with setbacks(host):
            desired = desired_firewall(current.target)
            endpoint = ssh_endpoint(host, self._opener)
            client = FirewallClient(self._pool, endpoint, self._command, self._seconds)
            current.note(f"Reading the firewall of {host}")
            report = client.read()
        words.keep_facts(firewall, report, current.now)
        return ObservedFirewall(report, desired, client)

    def describe(self, observed: ObservedFirewall) -> str:
        return words.describe(observed.report)

    def adopt(self, current: Pass, observed: ObservedFirewall) -> str:
        """Rules of others stay theirs: there is nothing to take over."""
        return ""

    def findings(self, current: Pass, observed: ObservedFirewall, plan: Plan) -> Findings:
        surveying.saw_rules(current, observed.report)
        return Findings()

    # plan -----------------------------------------------------------------------------------------

    def plan(self, current: Pass, observed: ObservedFirewall) -> Plan:
        decisions = self._decide(current.target, observed)
        lines: list[str] = []
        for family, decision in decisions.items():
            if decision.changes:
                program = observed.report.families[family].program
                saved, wanted = observed.report.families[family].saved, observed.desired.wanted[family]
                lines += (
                    words.by_hand(decision.text, program)
                    if not wanted.rules
                    else commands(wanted, saved, program=program)
                )
        return Plan(
            tuple(change for each in decisions.values() for change in each.changes),
            tuple(apart for each in decisions.values() for apart in each.apart),
            units_observed=sum(len(seen.saved.chains) for _, seen in observed.families),
            commands=tuple(lines[:_MOST_COMMANDS]),
        )

    def _decide(self, target: SyncTarget, observed: ObservedFirewall) -> dict[int, Decision]:
        host = _firewall(target).host
        base = Base(target.proof.get("chains", {}), sent_since(target))
        repair = target.drift_mode == SyncTarget.DriftMode.REPAIR
        found: dict[int, Decision] = {}
        with setbacks(host):
            others = taken_from(target, observed.report, observed.desired)
            for family, there in observed.families:
                wanted, seen = observed.desired.wanted[family], there
                if family in others:
                    # From now on they count as ours. Chains that are as wanted are not even written.
                    seen = replace(there, saved=replace(there.saved, owner=wanted.owner))
                if seen.pending:
                    raise Retry("busy", f"An earlier change of {host} is not settled yet.")
                if wanted.rules and not seen.program:
                    raise NeedsPerson(
                        "no-iptables",
                        f"{host} has no iptables for IPv{family}.",
                        "Install the package iptables there, or remove the rules for this family.",
                    )
                if wanted.rules or seen.saved.chains:
                    check_owner(wanted, seen.saved)
                    words.require_one_back_end(host, family, seen)
                leaving = observed.desired.leaving.get(family)
                found[family] = decide(wanted, seen, base, repair=repair, leaving=leaving)
        return found

    def statements(self, current: Pass, plan: Plan, findings: Findings) -> Sequence[Statement]:
        return words.statements(plan, _firewall(current.target).seen)

    def unchanged(self, current: Pass, observed: ObservedFirewall, plan: Plan) -> Proof:
        return self._proof(current, observed, "The host has exactly these rules.")

    # apply and verify -----------------------------------------------------------------------------

    def apply(self, current: Pass, observed: ObservedFirewall, plan: Plan) -> None:
        target = current.target
        host = _firewall(target).host
        if target.stop_code == "cut-off" and target.generation <= target.stop_generation:
            raise words.cut_off(host, "it was not tried again")
        decisions = self._decide(target, observed)
        with setbacks(host):
            for family, decision in decisions.items():
                if not decision.text:
                    continue
                remember_sent(current, {change.unit: change.after_id for change in decision.changes})
                current.note(
                    f"Writing IPv{family}; the host undoes it after {self._seconds} s unless a new connection"
                    " confirms it"
                )
                seen = observed.report.families[family].saved
                observed.client.change(family, seen.fingerprint, decision.text, current.renew)
                current.note(f"IPv{family} confirmed over a new connection")

    def verify(self, current: Pass, observed: ObservedFirewall, plan: Plan, applied: None) -> Proof:
        firewall = _firewall(current.target)
        with setbacks(firewall.host):
            after = ObservedFirewall(observed.client.read(), observed.desired, observed.client)
        words.keep_facts(firewall, after.report, current.now)
        done = {change.unit for change in plan.changes}
        there: list[str] = []
        for decision in self._decide(current.target, after).values():
            there += [each.unit for each in decision.changes] + [each.unit for each in decision.apart]
        left = [unit for unit in there if unit in done]
        if left:
            raise Retry("not-as-written", f"{', '.join(left)}: not as it was written; looking again.")
        return self._proof(
            current, after, "The rules were read back from the host, exactly as they were written."
        )

    def _proof(self, current: Pass, observed: ObservedFirewall, sentence: str) -> Proof:
        decisions = self._decide(current.target, observed)
        before = current.target.proof.get("chains", {})
        left = {each.unit for decision in decisions.values() for each in decision.apart}
        chains = {
            unit: before.get(unit, "") if unit in left else seen
            for decision in decisions.values()
            for unit, seen in decision.observed.items()
            if unit not in left or unit in before
        }
        stored: dict[str, Any] = {"chains": chains}
        if others := taken_from(current.target, observed.report, observed.desired):
            stored["taken_from"] = sorted(others.values())
        return Proof(stored, words.evidence(observed.report), sentence)

    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        return None

    def maintain(self, current: Pass) -> Statement | None:
        return None


def _firewall(target: SyncTarget) -> Firewall:
    assert target.firewall is not None  # noqa: S101 - of every target of this kind
    return target.firewall


@contextmanager
def setbacks(host: Host) -> Iterator[None]:
    """What goes wrong with a firewall becomes an outcome with advice."""
    try:
        with outcomes(host):
            yield
    except protocol.NoHelper as error:
        raise NeedsPerson("no-helper", *words.no_helper(host, str(error))) from error
    except (protocol.Busy, protocol.Moved, protocol.Undone) as error:
        raise Retry(type(error).__name__.lower(), f"{host}: {error} Looking again.") from error
    except protocol.CutOff as error:
        raise words.cut_off(host, str(error)) from error
    except protocol.HelperFailed as error:
        raise NeedsPerson(
            "firewall-refused",
            f"{host} refused the rules: {error}",
            "Nothing of them is there. Look at the host's iptables, then look again.",
        ) from error
    except FormatError as error:
        code = "firewall-of-another" if error.field == "owner" else "not-possible"
        raise NeedsPerson(code, error.problem, error.fix) from error
