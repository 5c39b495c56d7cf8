"""Restarts of unikernels that read a relay repository or a certificate, as part of a pass over their host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from tenants.formats.restarts import CERTIFICATE, RELAY, SUBMISSION, Restarts, Waiting
from tenants.formats.text import printable
from tenants.formats.unikernels import WantedUnikernel
from tenants.models import CertificateUse, HostShare, Repository, RepositoryReader
from tenants.secrets import Opener
from workers import ssh
from workers.albatross.values import UnikernelInfo
from workers.hosting.decide import Deed, HostChange
from workers.plan import Action
from workers.repository import RemoteRepository, RepositoryError, read_refs
from workers.targets import host_certificates
from workers.targets.base import Pass
from workers.targets.endpoint import endpoint_of
from workers.targets.reader_certificates import certificate_problem
from workers.targets.reader_service import Service, unserved, wake_others
from workers.targets.relay_readers import wake


@dataclass(frozen=True)
class Reading:
    """What waits as this pass saw it, and what the pure decision needs of it.

    `pk` is the row of what reads a repository, 0 for one that only uses a certificate; `use` is there when
    it is due for one.
    """

    pk: int
    commit: str
    before: str
    apart: timedelta
    waiting: Waiting
    use: CertificateUse | None = None

    @property
    def texts(self) -> tuple[str, str]:
        """What it has now, and what it starts with."""
        if self.waiting.role == CERTIFICATE and self.use is not None:
            has = self.use.taken[:10] or "nobody knows which"
            return f"serves with certificate {has}", f"takes certificate {self.use.wanted[:10]}"
        return f"read {self.before[:10] or 'nobody knows what'}", f"reads {self.commit[:10]}"


def look(
    current: Pass,
    share: HostShare,
    running: Mapping[str, UnikernelInfo],
    opener: Opener,
    pool: ssh.ConnectionPool,
    service: Service,
) -> tuple[Reading, ...]:
    """What waits, here and of the same repositories elsewhere; what was restarted meanwhile is noted, and
    what did not serve is asked again.

    A branch is read only when something here is due: what starts without one ends at once.
    """
    service.ask_again(current, share)
    uses = host_certificates.look(current, share, running)
    waiting = _waiting_readers(current, share, running)
    known = [row.pk for row in waiting]
    # What reads a repository reads it whenever it starts: it is looked after in the same way.
    only = RepositoryReader.objects.filter(unikernel__in=list(uses)).exclude(pk__in=known)
    waiting += only.select_related("unikernel", "repository__sync_target")
    due_here = [
        row
        for row in waiting
        if row.unikernel.share_id == share.pk
        and row.unikernel.name in running
        and (due_at := _due(row, uses.get(row.unikernel_id))) is not None
        and due_at <= current.now
        and row.should_run
    ]
    problems = _branch_problems(current, due_here, opener, pool)
    unready = unserved(current, waiting)
    readings = [
        Reading(
            pk=row.pk,
            commit=row.wanted_commit,
            before=row.read_commit,
            apart=row.repository.pace.between(urgent=False),
            waiting=Waiting(
                label=row.unikernel.name,
                repository=row.repository_id,
                role=row.role if row.is_waiting else CERTIFICATE,
                due_at=_due(row, uses.get(row.unikernel_id)) or current.now,
                should_run=row.should_run,
                here=row.unikernel.share_id == share.pk,
                problem=problems.get(row.repository_id)
                or certificate_problem(row.unikernel, current.now)
                or unready.get(row.pk, ""),
            ),
            use=uses.pop(row.unikernel_id, None),
        )
        for row in waiting
    ]
    for use in uses.values():
        waits = host_certificates.waiting_of(use, current.now)
        readings.append(Reading(0, "", "", use.pace.between(urgent=False), waits, use))
    return tuple(readings)


def _waiting_readers(
    current: Pass, share: HostShare, running: Mapping[str, UnikernelInfo]
) -> list[RepositoryReader]:
    """What waits for a restart, here and elsewhere where the same repositories are read; what was restarted
    meanwhile is noted."""
    here = RepositoryReader.objects.filter(RepositoryReader.WAITING, unikernel__share=share)
    rows = list(
        RepositoryReader.objects.filter(
            RepositoryReader.WAITING, repository__in=here.values("repository")
        ).select_related("unikernel", "repository__sync_target")
    )
    for row in rows:
        info = running.get(row.unikernel.name) if row.unikernel.share_id == share.pk else None
        if info is not None and _was_restarted(row, info):
            current.note(f"{row.unikernel} was restarted")
            took_up(current, row.pk, row.sent_commit)
            row.read_commit = row.sent_commit
    return [row for row in rows if row.is_waiting]


def _branch_problems(
    current: Pass, readers: Iterable[RepositoryReader], opener: Opener, pool: ssh.ConnectionPool
) -> dict[int, str]:
    """Why nothing that reads a branch may start now, by repository; "" where nothing is wrong."""
    found: dict[int, str] = {}
    for row in readers:
        if row.repository_id not in found:
            current.note(f"Reading refs/heads/{row.repository.branch} of {row.repository}")
            found[row.repository_id] = _problem(row.repository, row.wanted_commit, opener, pool)
    return found


def _due(row: RepositoryReader, use: CertificateUse | None) -> datetime | None:
    """Of a reader: the sooner of what it has to read, and the certificate that it has to take."""
    times = (row.due_at if row.is_waiting else None, use.due_at if use is not None else None)
    return min((each for each in times if each is not None), default=None)


def _was_restarted(row: RepositoryReader, info: UnikernelInfo) -> bool:
    """Did what was sent arrive, although no answer came? Both times are the host's."""
    sent = row.sent_commit == row.wanted_commit and row.sent_started is not None
    return sent and info.started is not None and info.started != row.sent_started


def _problem(repository: Repository, commit: str, opener: Opener, pool: ssh.ConnectionPool) -> str:
    """Why what starts now would not read `commit`; "" when it would."""
    remote = RemoteRepository(endpoint_of(repository, opener), repository.path, repository.branch)
    try:
        with pool.connection(remote.endpoint) as connection:
            tip = read_refs(connection, remote).tip
    except (ssh.SshError, RepositoryError) as error:
        return (
            f"{repository.short_name} cannot be read now, and what starts without it ends at once:"
            f" {printable(str(error), 200)}."
        )
    if tip == commit:
        return ""
    wake(repository.sync_target, timezone.now())
    return f"{repository.short_name} was changed just now; that is looked at first."


# What is written down ---------------------------------------------------------------------------------


def restart_of(reading: Reading, mark: str, wanted: WantedUnikernel) -> HostChange:
    """The change of a plan; `mark` is that of what runs now, and stays."""
    label, texts = reading.waiting.label, reading.texts
    return HostChange(
        action=Action.UPDATE,
        unit=label,
        before_id=mark,
        after_id=f"{mark} {texts[1]}",
        texts=lambda: texts,
        deed=Deed.RESTART,
        label=label,
        wanted=wanted,
    )


def tell_held(current: Pass, readings: Sequence[Reading], found: Restarts) -> None:
    """Keep why something does not restart, for people; its repository's page says it."""
    held = {each.label: each.why for each in found.held}
    uses = {label: each.use for label, each in by_label(readings).items() if each.use is not None}
    host_certificates.tell_held(current, uses, found.held)
    rows = RepositoryReader.objects.filter(pk__in=[each.pk for each in readings if each.waiting.here])
    for row in rows.select_related("unikernel", "repository__sync_target"):
        why = held.get(row.unikernel.name, "")[:500]
        if why != row.held:
            with current.write():
                RepositoryReader.objects.filter(pk=row.pk).update(held=why)
            wake(row.repository.sync_target, current.now)


def about_to_read(share: HostShare, label: str) -> tuple[int, str] | None:
    """Of a unikernel that starts: its reader, and the commit that it will find at least."""
    row = (
        RepositoryReader.objects.filter(unikernel__share=share, unikernel__name=label)
        .select_related("repository__sync_target")
        .first()
    )
    return (row.pk, str(row.repository.sync_target.proof.get("commit", ""))) if row is not None else None


def remember_sent(current: Pass, reading: Reading, started: datetime | None) -> None:
    """Before a restart is sent. Should no answer come, it is not sent again at once."""
    with current.write():
        RepositoryReader.objects.filter(pk=reading.pk).update(
            sent_commit=reading.commit, sent_started=started, due_at=current.now + reading.apart
        )
    if reading.use is not None:
        host_certificates.remember_sent(current, reading.use, started)


def was_not_sent(current: Pass, reading: Reading) -> None:
    """The host was away before it could hear of it."""
    with current.write():
        RepositoryReader.objects.filter(pk=reading.pk).update(sent_commit="", due_at=current.now)
    if reading.use is not None:
        host_certificates.was_not_sent(current, reading.use)


def took_up(current: Pass, reader: int, commit: str) -> None:
    """It started, and read `commit` at least."""
    row = RepositoryReader.objects.filter(pk=reader).select_related("repository__sync_target").first()
    if row is None or not commit:
        return
    rows = RepositoryReader.objects.filter(pk=reader)
    with current.write():
        rows.update(read_commit=commit, restarted_at=current.now, sent_commit="", sent_started=None, held="")
        rows.filter(wanted_commit=commit).update(due_at=None, waiting_since=None, urgent=False)
        row.refresh_from_db()
        if row.is_waiting:  # it was asked for more meanwhile
            apart = row.repository.pace.between(urgent=row.urgent)
            later = max(row.due_at or current.now, current.now + apart)
            rows.update(due_at=later)
    wake(row.repository.sync_target, current.now)
    wake_others(current, row)


def next_due(share: HostShare) -> datetime | None:
    """When the next one here is due."""
    rows = RepositoryReader.objects.filter(
        RepositoryReader.WAITING, unikernel__share=share, unikernel__deleted_at=None, unikernel__running=True
    )
    first = rows.exclude(due_at=None).order_by(F("due_at")).values_list("due_at", flat=True).first()
    times = (first, host_certificates.next_due(share))
    return min((each for each in times if each is not None), default=None)


def relay_follows(readings: Iterable[Reading], first: Reading) -> bool:
    """Does the relay of the same repository wait here, after this submission?"""
    same = first.waiting.repository
    others = [each.waiting for each in by_label(readings).values() if each.waiting.repository == same]
    return first.waiting.role == SUBMISSION and any(each.role == RELAY for each in others)


def by_label(readings: Iterable[Reading]) -> dict[str, Reading]:
    """Those of this host."""
    return {each.waiting.label: each for each in readings if each.waiting.here}


def evidence(readings: Sequence[Reading], labels: Iterable[str]) -> dict[str, Any]:
    known = by_label(readings)
    found = [(label, known[label]) for label in labels if label in known]
    taken = {f"{label} took"[:40]: each.use.wanted for label, each in found if each.use is not None}
    return {f"{label} read"[:40]: each.commit for label, each in found if each.commit} | taken
