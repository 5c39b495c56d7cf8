"""A conventional primary as a sync target: what differs is sent in signed dynamic updates (RFC 2136).

The server holds the zone, and raises its serial itself. Each message says what its record sets were when we
read them, so that the server refuses it when somebody was faster; and it makes all of a message or nothing.
The proof is another transfer: the sets as they were sent, under the serial that is served then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tenants.actions.zone_proofs import ProvedZone
from tenants.desired_zones import ZoneName, desired_zones, published_zones
from tenants.models import SyncTarget, UpdateServer
from tenants.secrets import Opener, Purpose
from workers import zone
from workers.outcome import NeedsPerson, Retry, Setback
from workers.plan import Limits, Plan
from workers.targets.base import Findings, Pass, Proof, Statement
from workers.targets.git_target import may_overwrite
from workers.targets.relay_findings import decided
from workers.targets.sent import remember_sent, sent_since
from workers.targets.update_refusals import explain, impossible
from workers.targets.zone_adoption import Strangers
from workers.targets.zone_statements import find, zone_statements
from workers.targets.zones_shared import (
    Published,
    adopt_drift,
    kept_proofs,
    record_proved,
    run_title,
    told_serials,
)
from workers.zone_plan.decide import DecidedZone
from workers.zone_plan.plan import ZoneLimits
from workers.zone_plan.updating import (
    Message,
    SeenZone,
    UpdatePlan,
    decide_updates,
    marks_of,
    not_taken,
    update_plan,
)

SOA_SECONDS = 3.0
# After so many tries, what a server takes without making it is for a person to look at.
TRIES = 2


@dataclass(frozen=True)
class Reach:
    """A server and the key for it; `identity` tells them from others, and nothing to whoever reads it."""

    row: UpdateServer
    server: zone.Server
    key: zone.TsigKey = field(repr=False)
    identity: str


@dataclass(frozen=True)
class ObservedServer(Published):
    """Those zones that may differ from what was proved, as they were transferred."""

    reach: Reach
    zones: Mapping[int, SeenZone] = field(repr=False)


class DynamicUpdate:
    """See workers.targets.base.TargetKind."""

    def __init__(self, *, opener: Opener, dial: zone.Dial, limits: Limits | None = None) -> None:
        self.limits = limits or ZoneLimits()
        self._opener = opener
        self._dial = dial

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        return run_title(str(server_of(target)), plan)

    # observe --------------------------------------------------------------------------------------

    def observe(self, current: Pass) -> ObservedServer:
        """Ask for every serial; transfer what was changed on either side, or is not proved with this key."""
        target, reach = current.target, self._reach(current.target)
        published = tuple(published_zones(target))
        proved = target.proof.get("zones", {}) if target.proof.get("reach") == reach.identity else {}
        zones: dict[int, SeenZone] = {}
        for each in published:
            known = proved.get(each.origin.short, {}).get("serial")
            served, problem = self._served(reach, each)
            if each.changed or served is None or known != served:
                zones[each.pk] = self._read(current, reach, each, problem)
        steady = frozenset(each.origin.short for each in published if each.pk not in zones)
        return ObservedServer(published, desired_zones(target, list(zones)), steady, reach, zones)

    def _served(self, reach: Reach, each: ZoneName) -> tuple[int | None, str]:
        """The serial that is served; or none, and why."""
        try:
            served = zone.served_serial(reach.server, each.origin, timeout=SOA_SECONDS)
        except zone.ZoneError as error:
            raise Retry("primary-unreachable", error.sentence) from error
        name = each.origin.short
        if served.serial is None:
            return None, (
                f"{reach.row} does not serve {name}. Make the zone there first, with its SOA and NS records:"
                " a dynamic update cannot begin one."
            )
        if not served.authoritative:
            return None, f"{reach.row} only remembers {name} from another server. Give its primary's address."
        return served.serial, ""

    def _read(self, current: Pass, reach: Reach, each: ZoneName, problem: str) -> SeenZone:
        if problem:
            return SeenZone(each.origin, None, problem)
        current.note(f"Transferring {each.origin.short}")
        try:
            found = zone.transfer(reach.server, each.origin, reach.key)
        except zone.Unreachable as error:
            raise Retry("primary-unreachable", error.sentence) from error
        except zone.Refusal as error:
            if (stop := explain(error)) is not None:
                raise stop from error
            sentence = f"{error.sentence} Rookery reads a zone before it changes anything. {error.hint}"
            return SeenZone(each.origin, None, sentence)
        except zone.ZoneError as error:
            if current.target.failures < TRIES:
                raise Retry("answer-unusable", error.sentence) from error
            return SeenZone(each.origin, None, f"{error.sentence} {error.hint}")
        return SeenZone(each.origin, found)

    def describe(self, observed: ObservedServer) -> str:
        count, read = len(observed.published), len(observed.zones)
        return f"{count} zone{'s' if count != 1 else ''} at {observed.reach.row}; {read} of them read."

    # plan -----------------------------------------------------------------------------------------

    def adopt(self, current: Pass, observed: ObservedServer) -> str:
        return adopt_drift(current, observed, lambda: self.plan(current, observed))

    def findings(self, current: Pass, observed: ObservedServer, plan: Plan) -> Findings:
        return find(plan, Strangers())

    def plan(self, current: Pass, observed: ObservedServer) -> UpdatePlan:
        overwrite, sent = may_overwrite(current.target, decided), sent_since(current.target)
        plan = update_plan(
            decide_updates(observed.desired[pk], seen, may_overwrite=overwrite, sent=sent)
            for pk, seen in observed.zones.items()
        )
        return replace(plan, commands=_by_hand(observed.reach, plan))

    def statements(self, current: Pass, plan: Plan, findings: Findings) -> Sequence[Statement]:
        return zone_statements(current.target, plan, findings)

    def unchanged(self, current: Pass, observed: ObservedServer, plan: Plan) -> Proof:
        assert isinstance(plan, UpdatePlan)  # noqa: S101 - made above
        return self._proof(current, observed, plan, plan.zones, "The name server agrees")

    # apply and verify -----------------------------------------------------------------------------

    def apply(self, current: Pass, observed: ObservedServer, plan: Plan) -> None:
        """Send zone after zone. One that is refused holds up no other; what was made of it stays."""
        assert isinstance(plan, UpdatePlan)  # noqa: S101 - made above
        setbacks: list[Setback] = []
        remember_sent(current, marks_of(plan))
        for each in plan.to_serve:
            messages = plan.messages[each.pk]
            for number, message in enumerate(messages, 1):
                # This renews the lease: nothing is sent after it was lost.
                current.note(f"Updating {each.origin.short}, message {number} of {len(messages)}")
                setback = self._send(observed.reach, each, message)
                if setback is not None:
                    setbacks.append(setback)
                    break
        for kind in (Retry, NeedsPerson):
            for found in setbacks:
                if isinstance(found, kind):
                    raise found
        count = sum(len(each) for each in plan.messages.values())
        current.tell(f"{count} message{'s' if count != 1 else ''} accepted by {observed.reach.row}.")

    def _send(self, reach: Reach, each: DecidedZone, message: Message) -> Setback | None:
        """Send one message; what the server says against it, if that concerns this zone alone."""
        try:
            zone.update(reach.server, each.origin, reach.key, message)
        except zone.Unreachable as error:
            raise Retry("primary-unreachable", error.sentence) from error
        except zone.UnknownOutcome as error:
            raise Retry("unknown-outcome", f"{error.sentence} Looking whether it was made.") from error
        except zone.PrerequisiteFailed as error:
            if self._stands(reach, each, message):
                return impossible(each.origin.short, error)
            return Retry("lost-race", f"{each.origin.short} was changed at {reach.row} meanwhile.")
        except zone.Refusal as error:
            if (stop := explain(error)) is not None:
                raise stop from error
            return impossible(each.origin.short, error)
        except zone.ZoneError as error:
            return Retry("answer-unusable", error.sentence)
        return None

    def _stands(self, reach: Reach, each: DecidedZone, message: Message) -> bool:
        """Is everything still as the message said? Then what it would make is against a rule there."""
        try:
            now = zone.transfer(reach.server, each.origin, reach.key)
        except zone.ZoneError:
            return False
        return all(now.seen(change.owner, change.type) == change.before for change in message)

    def verify(self, current: Pass, observed: ObservedServer, plan: Plan, applied: None) -> Proof:
        assert isinstance(plan, UpdatePlan)  # noqa: S101 - made above
        written = {each.pk for each in plan.to_serve}
        names = {each.pk: each for each in observed.published}
        zones = []
        for each in plan.zones:
            if each.pk not in written:
                zones.append(each)
                continue
            seen = self._read(current, observed.reach, names[each.pk], "")
            if seen.transferred is None:
                raise Retry("not-served", seen.problem)
            self._require_taken(current, observed.reach, each, seen)
            zones.append(replace(each, sets=seen.sets, serial=seen.transferred.soa.serial))
        return self._proof(current, observed, plan, zones, "The name server serves what was sent")

    def _require_taken(self, current: Pass, reach: Reach, each: DecidedZone, seen: SeenZone) -> None:
        other, kept_ttl = not_taken(each, seen.sets)
        if other:
            units = ", ".join(other[:5])
            sentence = f"{reach.row} said yes, and {units} is not as it was sent."
            if current.target.failures < TRIES:
                raise Retry("not-taken-up", sentence)
            advice = "Look at the server's log: some leave an alias out where other records stand."
            raise NeedsPerson("not-taken-up", sentence, advice)
        if kept_ttl:
            raise NeedsPerson(
                "ttl-ignored",
                f"{reach.row} keeps the TTL of {', '.join(kept_ttl[:5])}: it ignores a change of that alone.",
                "Set the TTL back as it is there; or change the records together with it.",
            )

    def _proof(
        self, current: Pass, observed: ObservedServer, plan: Plan, zones: Sequence[DecidedZone], how: str
    ) -> Proof:
        stored = kept_proofs(current.target, observed)
        stored |= {
            each.origin.short: {"serial": each.serial}
            for each in zones
            if each.serial is not None and not each.apart
        }

        def prove(each: DecidedZone) -> ProvedZone:
            found, serial = observed.zones[each.pk].transferred, each.serial or 0
            return ProvedZone(serial, serial, each.sets, each.left, soa=found.soa if found else None)

        with current.write():
            record_proved(current, observed, zones, prove)
        serials, sentence = told_serials(zones, how)
        evidence = {"Zones": str(len(observed.published)), **serials, "Plan checksum": plan.checksum}
        return Proof({"reach": observed.reach.identity, "zones": stored}, evidence, sentence)

    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        """Nothing waits: that the server serves it was the proof."""
        return None

    def maintain(self, current: Pass) -> Statement | None:
        """Nothing of ours grows there."""
        return None

    def _reach(self, target: SyncTarget) -> Reach:
        row = server_of(target)
        secret = self._opener.open(Purpose.TSIG_KEY, bytes(row.sealed_secret))
        identity = self._opener.mark(
            f"{row.address} {row.port} {row.key_name} {row.algorithm} {secret}".encode()
        )
        key = zone.key_of(row.key_name, row.algorithm, secret)
        return Reach(row, zone.Server(row.address, row.port, self._dial), key, identity)


def server_of(target: SyncTarget) -> UpdateServer:
    assert target.update_server is not None  # noqa: S101 - of every target of this kind
    return target.update_server


def _by_hand(reach: Reach, plan: UpdatePlan) -> tuple[str, ...]:
    """What would do the same by hand; no secret is in it."""
    lines: list[str] = []
    for each in plan.to_serve[:5]:
        for message in plan.messages[each.pk][:2]:
            script = zone.nsupdate_script(reach.server, each.origin, message).splitlines()
            shown = [*script[:60], *(["; …"] if len(script) > 60 else [])]
            lines += ["nsupdate -v -k /path/to/rookery.key <<'END'", *shown, "END"]
        lines.append(zone.dig_serial(reach.server, each.origin))
    return tuple(lines)
