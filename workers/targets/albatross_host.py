"""An organization's part of an albatross host as a sync target: joins client, plan and desired state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tenants.desired_host import desired_host
from tenants.formats.restarts import Restarts, Waiting
from tenants.formats.restarts import decide as decide_restarts
from tenants.formats.unikernels import DesiredHost, WantedUnikernel
from tenants.models import Host, HostShare, SyncTarget, Unikernel
from tenants.secrets import Opener
from workers import ssh, surveying
from workers.albatross import (
    ROOT,
    Client,
    CommandFailed,
    FailureKind,
    Name,
    Release,
    Unreachable,
    dialect_of,
)
from workers.albatross.quota import covering
from workers.hosting import likeness
from workers.hosting.decide import Base, Deed, HostChange, decide, policy_of
from workers.hosting.masking import masked, secret_values
from workers.hosting.seen import SeenHost, look
from workers.hosting.watching import last_moment, wait_until_ready, watch
from workers.outcome import NeedsPerson, Retry
from workers.plan import Apart, Limits, Plan
from workers.targets import host_certificates, host_findings, host_restarts, host_statements
from workers.targets.base import Findings, Pass, Proof, Statement
from workers.targets.host_connection import HostAccess, outcomes
from workers.targets.host_images import ImageUnusable, config_of
from workers.targets.host_restarts import Reading
from workers.targets.reader_service import Place, Service, as_it_is, ask_soon
from workers.targets.relay_readers import wake
from workers.targets.sent import remember_sent, sent_since

WATCH_SECONDS = 3.0
READY_SECONDS = 10.0
SERVE_SECONDS = 12.0


@dataclass
class ObservedHost:
    """What was read, and how to go on speaking. `desired` is loaded anew when something was taken over."""

    seen: SeenHost = field(repr=False)
    access: HostAccess = field(repr=False)
    release: Release
    desired: DesiredHost = field(repr=False)
    client: Client = field(repr=False)
    readings: tuple[Reading, ...] = ()


class AlbatrossHost:
    """See workers.targets.base.TargetKind. `watch_seconds`: how long a start is looked after;
    `ready_seconds`: how long a word is waited for of one that reads a repository, `serve_seconds`: how long
    an answer on its port, which is where `place` says."""

    def __init__(
        self,
        *,
        opener: Opener,
        pool: ssh.ConnectionPool,
        watch_seconds: float = WATCH_SECONDS,
        ready_seconds: float = READY_SECONDS,
        serve_seconds: float = SERVE_SECONDS,
        place: Place = as_it_is,
    ) -> None:
        self.limits: Limits = host_statements.HostLimits()
        self._opener, self._pool = opener, pool
        self._watch_seconds, self._ready_seconds = watch_seconds, ready_seconds
        self._serve_seconds, self._place = serve_seconds, place

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        share = _share(target)
        if plan is None:
            return f"Bring {share.organization}'s part of {share.host} into agreement"
        if not plan.changes:
            return f"Compare {share.organization}'s part of {share.host}"
        return host_statements.title(plan, str(share.host))

    # observe --------------------------------------------------------------------------------------

    def observe(self, current: Pass) -> ObservedHost:
        share = _share(current.target)
        host = share.host
        with outcomes(host, failures=current.target.failures):
            access = HostAccess.of(host, self._opener, self._pool)
            path = Name(share.labels)
            if access.over_tls and path.path[: len(access.root.path)] != access.root.path:
                raise NeedsPerson(
                    "authority-elsewhere",
                    f"The certificate signs commands for {access.root}, and this part is {path}.",
                    "Give the host the CA itself, or an intermediate for this path.",
                )
            current.note(f"Asking albatross on {host}")
            release = self._release(access, host, current.now)
            desired = desired_host(current.target, self._opener)
            seen, client = self._look(access, release, path, desired)
            host_statements.keep_facts(host, seen, current.now)
        service = Service.on(access, self._place, self._serve_seconds)
        readings = host_restarts.look(current, share, seen.running, self._opener, self._pool, service)
        return ObservedHost(seen, access, release, desired, client, readings)

    def _release(self, access: HostAccess, host: Host, now: datetime) -> Release:
        known = host_statements.known_release(host, now)
        if known is None:
            known = access.find_release()
            host_statements.keep_release(host, known, now)
        return known

    def _look(
        self, access: HostAccess, release: Release, path: Name, desired: DesiredHost
    ) -> tuple[SeenHost, Client]:
        """Over TLS every command sets the path's policy: what runs is read before one is sent there."""
        dialect = dialect_of(release)
        client = access.client(dialect)
        seen = look(client, path, at=access.root)
        if access.over_tls and access.root != path:
            policy = covering(policy_of(desired.policy), path, seen.inside, seen.volumes, seen.policies)
            client = access.client(dialect, {path: policy})
            client.unikernels(path)  # this alone sets it
        return seen, client

    def describe(self, observed: ObservedHost) -> str:
        inside, everything = len(observed.seen.inside), len(observed.seen.unikernels)
        others = f", {everything - inside} of others" if everything > inside else ""
        return f"Albatross {observed.release} or newer; {inside} unikernels here{others}."

    def adopt(self, current: Pass, observed: ObservedHost) -> str:
        """What people said to take over; nothing but reading is asked of the host."""
        share, dialect = _share(current.target), dialect_of(observed.release)
        standing = (observed.desired, observed.seen, dialect)
        with outcomes(share.host, failures=current.target.failures):
            said = host_findings.take_over(current, share, standing, observed.client, self._opener)
        if said:
            observed.desired = desired_host(current.target, self._opener)
        return said

    def findings(self, current: Pass, observed: ObservedHost, plan: Plan) -> Findings:
        dialect = dialect_of(observed.release)
        surveying.saw_host(current, observed.desired, observed.seen, dialect, self._opener)
        return host_findings.find((observed.desired, observed.seen, dialect), self._opener)

    # plan -----------------------------------------------------------------------------------------

    def plan(self, current: Pass, observed: ObservedHost) -> Plan:
        plan = self._decide(current.target, observed)
        if observed.readings:
            restarts = self._restarts(observed, plan, current.now)
            host_restarts.tell_held(current, observed.readings, restarts)
            changes = [self._restart_of(observed, each) for each in restarts.now]
            plan = replace(plan, changes=(*plan.changes, *changes))
        host = _share(current.target).host
        return replace(
            plan, commands=host_statements.by_hand(observed.desired, host, str(observed.release), plan)
        )

    def _decide(self, target: SyncTarget, observed: ObservedHost) -> Plan:
        access, dialect = observed.access, dialect_of(observed.release)
        decision = decide(
            observed.desired,
            observed.seen,
            Base(target.proof.get("unikernels", {}), sent_since(target)),
            dialect,
            self._opener.mark,
            repair=target.drift_mode == SyncTarget.DriftMode.REPAIR,
            takes_images=self._takes_images(observed),
            # Albatross finds the root's own policy out itself, at each of its starts.
            sets_policies=not access.over_tls and observed.seen.path != ROOT,
        )
        return Plan(decision.changes, decision.apart, units_observed=len(observed.seen.running))

    def _takes_images(self, observed: ObservedHost) -> bool:
        return not observed.access.over_tls or dialect_of(observed.release).tls_streams

    def _restarts(self, observed: ObservedHost, plan: Plan, now: datetime) -> Restarts:
        restarts = dialect_of(observed.release).restart is not None
        return decide_restarts(
            [each.waiting for each in observed.readings],
            running=observed.seen.running.keys(),
            starting={each.unit for each in plan.changes},
            left_alone={each.unit for each in plan.apart},
            restartable=restarts or self._takes_images(observed),
            now=now,
        )

    def _restart_of(self, observed: ObservedHost, due: Waiting) -> HostChange:
        reading, info = host_restarts.by_label(observed.readings)[due.label], observed.seen.running[due.label]
        mark = self._opener.mark(likeness.form_of_running(info, dialect_of(observed.release)))
        wanted = next(each for each in observed.desired.unikernels if each.label == due.label)
        return host_restarts.restart_of(reading, mark, wanted)

    def statements(self, current: Pass, plan: Plan, findings: Findings) -> Sequence[Statement]:
        return host_statements.statements(plan, findings)

    def unchanged(self, current: Pass, observed: ObservedHost, plan: Plan) -> Proof:
        return self._proof(observed, plan.apart, "The host agrees.")

    # apply and verify -----------------------------------------------------------------------------

    def apply(self, current: Pass, observed: ObservedHost, plan: Plan) -> None:
        """One change after the other. An image that cannot be used keeps back nothing but its own start."""
        share, unusable = _share(current.target), list[ImageUnusable]()
        with outcomes(share.host, failures=current.target.failures):
            for change in plan.changes:
                assert isinstance(change, HostChange)  # noqa: S101 - of every plan of ours
                try:
                    self._do(current, observed, share, change)
                except ImageUnusable as setback:
                    current.note(f"{change.label}: {setback.sentence}")
                    unusable.append(setback)
            if unusable:
                raise unusable[0]

    def _do(self, current: Pass, observed: ObservedHost, share: HostShare, change: HostChange) -> None:
        client, path = observed.client, observed.seen.path
        name = Name(path.path, change.label or None)
        # Each note renews the lease: nothing is sent after it was lost.
        match change.deed:
            case Deed.POLICY if change.policy is not None:
                current.note(f"Setting the quota policy of {path}")
                client.set_policy(path, change.policy)
            case Deed.VOLUME:
                current.note(f"Making the block volume {name}, {change.size} MB")
                client.add_volume(name, change.size)
            case Deed.REMOVE_VOLUME:
                current.note(f"Deleting the block volume {name}, {change.size} MB")
                client.remove_volume(name)
            case Deed.DESTROY:
                current.note(f"Ending {name}")
                self._require_unmoved(observed, name, change)
                client.destroy(name)
            case Deed.RESTART:
                self._restart(current, observed, share, name, change)
            case _:
                self._start(current, observed, share, name, change)

    def _start(
        self, current: Pass, observed: ObservedHost, share: HostShare, name: Name, change: HostChange
    ) -> None:
        wanted, client, dialect = change.wanted, observed.client, dialect_of(observed.release)
        assert wanted is not None  # noqa: S101 - of every start
        config = config_of(share, wanted.digest, likeness.settings_of(wanted, dialect))
        self._require_unmoved(observed, name, change)
        # What runs later is then known to be ours.
        remember_sent(current, {change.label: change.after_id})
        replaces = change.deed is Deed.REPLACE
        before = last_moment(client, name)
        reading = host_restarts.about_to_read(share, change.label)
        certificate = host_certificates.about_to_take(share, change.label)
        current.note(f"{'Replacing' if replaces else 'Starting'} {name} with image {wanted.digest[:12]}")
        try:
            client.create(name, config, force=replaces)
        except CommandFailed as error:
            if error.kind is FailureKind.EXISTS:
                raise Retry("lost-race", f"{name} was started by somebody else; looking again.") from error
            raise
        self._look_after(current, client, share, name, wanted, before, reads=reading is not None)
        host_certificates.took(current, certificate)
        if reading is not None:
            host_restarts.took_up(current, *reading)
            self._serves(current, observed, reading[0])

    def _restart(
        self, current: Pass, observed: ObservedHost, share: HostShare, name: Name, change: HostChange
    ) -> None:
        """With the same image and settings, so that it reads its repository again."""
        wanted, client, dialect = change.wanted, observed.client, dialect_of(observed.release)
        assert wanted is not None  # noqa: S101 - of every restart
        config = None
        if dialect.restart is None:
            config = config_of(share, wanted.digest, likeness.settings_of(wanted, dialect))
        self._require_unmoved(observed, name, change)
        reading = host_restarts.by_label(observed.readings)[change.label]
        certificate = host_certificates.about_to_take(share, change.label)
        before = last_moment(client, name)
        host_restarts.remember_sent(current, reading, observed.seen.running[change.label].started)
        try:
            if config is None:
                current.note(f"Restarting {name}")
                client.restart(name)
            else:
                current.note(f"Restarting {name} with its stored image: this albatross cannot by itself")
                client.create(name, config, force=True)
        except (Unreachable, ssh.Unreachable):
            host_restarts.was_not_sent(current, reading)
            raise
        self._look_after(current, client, share, name, wanted, before, reads=True)
        host_certificates.took(current, certificate)
        host_restarts.took_up(current, reading.pk, reading.commit)
        silence = self._serves(current, observed, reading.pk)
        if silence and host_restarts.relay_follows(observed.readings, reading):
            raise Retry("not-serving", f"{silence} The relay restarts when it does.")

    def _serves(self, current: Pass, observed: ObservedHost, reader: int) -> str:
        service = Service.on(observed.access, self._place, self._serve_seconds)
        return service.after_restart(current, reader)

    def _look_after(
        self,
        current: Pass,
        client: Client,
        share: HostShare,
        name: Name,
        wanted: WantedUnikernel,
        before: datetime | None,
        *,
        reads: bool,
    ) -> None:
        """Whether it stays; what reads a repository has to say a word, too, before another one follows."""
        early, started = watch(client, name, self._watch_seconds, after_moment=before)
        if early is None and reads:
            spoke = wait_until_ready(client, name, self._ready_seconds, after_moment=before)
            early, started = watch(client, name, 0.0, after_moment=before)
            if early is None:
                current.note(f"{name} {'is ready' if spoke else 'runs, and says nothing'}")
        if early is not None:
            words = masked(early.words, secret_values(wanted))
            gone = {} if early.restarts else {"ended_generation": wanted.generation}
            with current.write():
                Unikernel.objects.filter(share=share, name=wanted.label).update(
                    ended_words="\n".join(words), **gone
                )
            raise host_statements.died_early(name, early, words)
        since = f", up since {started:%H:%M:%S}" if started else ""
        current.note(f"{name} runs{since}; watched for {self._watch_seconds:.0f} s")

    def _require_unmoved(self, observed: ObservedHost, name: Name, change: HostChange) -> None:
        """Compare-and-set as far as albatross has one: nobody changed it since the plan was made."""
        found = observed.client.unikernels(name)
        dialect = dialect_of(observed.release)
        mark = self._opener.mark(likeness.form_of_running(found[0], dialect)) if found else ""
        if mark != change.before_id:
            raise Retry("lost-race", f"{name} was changed by somebody else just now; looking again.")

    def verify(self, current: Pass, observed: ObservedHost, plan: Plan, applied: None) -> Proof:
        share = _share(current.target)
        with outcomes(share.host, failures=current.target.failures):
            seen = look(
                observed.access.client(dialect_of(observed.release)),
                observed.seen.path,
                at=observed.access.root,
            )
        host_statements.keep_facts(share.host, seen, current.now)
        after = replace(observed, seen=seen)
        done = {change.unit for change in plan.changes}
        left = [each for each in self._decide(current.target, after).changes if each.unit in done]
        if left:
            names = ", ".join(each.unit for each in left[:5])
            raise Retry("not-as-written", f"{names}: not as it was written; looking again.")
        proof = self._proof(after, plan.apart, "The host runs exactly what was asked for.")
        restarted = [
            each.unit for each in plan.changes if isinstance(each, HostChange) and each.deed is Deed.RESTART
        ]
        read = host_restarts.evidence(observed.readings, restarted)
        return replace(proof, evidence={**proof.evidence, **read})

    def _proof(self, observed: ObservedHost, apart: Sequence[Apart], sentence: str) -> Proof:
        running, dialect = observed.seen.running, dialect_of(observed.release)
        left = {each.unit: each.base_id for each in apart}
        marks = {unit: mark for unit, mark in left.items() if mark}
        evidence = {"Albatross": f"{observed.release} or newer"}
        for wanted in observed.desired.unikernels:
            info = running.get(wanted.label)
            if wanted.label in left or info is None:
                continue
            marks[wanted.label] = self._opener.mark(likeness.form_of_running(info, dialect))
            evidence[f"Digest of {wanted.label}"[:40]] = info.digest.hex()
        stored = observed.seen.stored
        for label, size in observed.desired.volumes:
            if label in stored and f"volume {label}" not in left:
                evidence[f"Block volume {label}"[:40]] = f"{size} MB"
        for label, _ in observed.desired.gone_volumes:
            if label not in stored:
                evidence[f"Block volume {label}"[:40]] = "gone"
        evidence["Unikernels"] = str(len(running))
        return Proof({"unikernels": marks, "left": sorted(left)}, evidence, sentence)

    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        """Come back when the next restart is due."""
        share = _share(current.target)
        ask_soon(current, share)
        due = host_restarts.next_due(share)
        if due is not None and due > current.now:
            wake(current.target, due)
        return host_certificates.statement(share)

    def maintain(self, current: Pass) -> Statement | None:
        return None


def _share(target: SyncTarget) -> HostShare:
    assert target.host_share is not None  # noqa: S101 - of every target of this kind
    return target.host_share
