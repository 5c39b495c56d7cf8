"""The relay repository as a sync target: joins git over SSH, the entry format and desired state."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from tenants.desired import desired_relay, known_names
from tenants.formats.relay_entry import Readable, read
from tenants.formats.sshkeys import fingerprint
from tenants.formats.text import printable
from tenants.models import Condition, Event, Installation, Repository, SyncTarget
from tenants.secrets import Opener, Purpose
from workers import ssh
from workers.outcome import NeedsPerson, Retry
from workers.plan import Limits, Plan
from workers.relay.decide import Sides, decide
from workers.relay.trailers import find_mark, message
from workers.repository import (
    FileChange,
    LostRace,
    Mirror,
    NewCommit,
    PushRefused,
    RemoteRepository,
    RepositoryError,
    UnknownOutcome,
    build_commit,
    push,
    read_refs,
)
from workers.targets.base import Pass, Proof, Statement
from workers.targets.reload import Reloader

AUTHOR, EMAIL = "Rookery", "rookery@localhost"
HISTORY_LIMIT = 1000
MAINTAIN_EVERY = 200
MIRRORS_OPEN = 64


@dataclass(frozen=True)
class ObservedRelay:
    """The branch as it is: tip (None while the branch does not exist), and file ids of its root."""

    tip: str | None
    tree: str
    ids: Mapping[bytes, str] = field(repr=False)
    base_ids: Mapping[bytes, str] = field(repr=False)
    base_commit: str | None
    moved: bool
    remote: RemoteRepository = field(repr=False)
    mirror: Mirror = field(repr=False)

    @property
    def names_that_moved(self) -> frozenset[bytes]:
        if not self.moved:
            return frozenset()
        names = set(self.ids) | set(self.base_ids)
        return frozenset(name for name in names if self.ids.get(name) != self.base_ids.get(name))


class RelayRepository:
    """See workers.targets.base.TargetKind."""

    def __init__(
        self,
        *,
        opener: Opener,
        pool: ssh.ConnectionPool,
        reloader: Reloader,
        mirrors: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._opener = opener
        self._pool = pool
        self._reloader = reloader
        self._folder = mirrors or Path(settings.MIRROR_DIR)
        self._mirrors: OrderedDict[int, Mirror] = OrderedDict()

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        repository = _repository(target)
        where = f"{repository.short_name} of {repository.domain}"
        if plan is None:
            return f"Bring {where} into agreement"
        count = len(plan.changes)
        if not count:
            return f"Compare {where}"
        return f"Write {count} change{'s' if count != 1 else ''} to {where}"

    # observe --------------------------------------------------------------------------------------

    def observe(self, current: Pass) -> ObservedRelay:
        repository = _repository(current.target)
        remote = RemoteRepository(self._endpoint(repository), repository.path, repository.branch)
        mirror = self._mirror(repository)
        with self._connection(repository) as connection:
            current.note(f"Reading refs/heads/{repository.branch} of {repository}")
            refs = read_refs(connection, remote)
            tip = refs.tip
            if tip is None:
                _require_new_branch(current.target, repository, refs.branches)
                return ObservedRelay(None, "", {}, {}, None, True, remote, mirror)
            proved = current.target.proof.get("commit")
            if tip != proved or not mirror.has(tip):
                mirror.fetch(connection, remote, expected_tip=tip)
                current.note(f"Fetched {tip[:10]}")
        if tip != proved:
            _require_our_line(current.target, mirror, tip, proved)
        ids = _file_ids(mirror, tip)
        if proved and not mirror.has(proved):
            proved = None  # our mirror was lost with the old tip: everything is compared afresh
        base = _file_ids(mirror, proved) if proved and tip != proved else ids if proved else {}
        apart = current.target.proof.get("apart", {})
        base_ids = {**base, **{_name(unit): blob or "" for unit, blob in apart.items()}} if apart else base
        return ObservedRelay(
            tip=tip,
            tree=mirror.commit(tip).tree,
            ids=ids,
            base_ids=base_ids,
            base_commit=proved,
            moved=tip != proved or bool(apart),
            remote=remote,
            mirror=mirror,
        )

    def describe(self, observed: ObservedRelay) -> str:
        if observed.tip is None:
            return "The branch does not exist yet; the first commit makes it."
        others = "nothing written by others" if not observed.moved else "changed since our last proof"
        count = len(observed.ids)
        return f"Tip {observed.tip[:7]}, {count} entr{'y' if count == 1 else 'ies'}, {others}."

    # plan -----------------------------------------------------------------------------------------

    def plan(self, current: Pass, observed: ObservedRelay) -> Plan:
        names = observed.names_that_moved if observed.base_commit else None
        desired = desired_relay(current.target, self._opener, names=names)
        units = desired.names if desired.complete else desired.names | (names or frozenset())
        decision = decide(
            units,
            entries=desired.entries,
            absent=desired.absent,
            observed=Sides(observed.ids, observed.mirror.blob),
            base=Sides({k: v for k, v in observed.base_ids.items() if v}, observed.mirror.blob),
            repair=current.target.drift_mode == SyncTarget.DriftMode.REPAIR,
        )
        plan = Plan(decision.changes, decision.apart, units_observed=len(observed.ids))
        return Plan(plan.changes, plan.apart, plan.units_observed, commands=_by_hand(current.target, plan))

    def statements(self, current: Pass, observed: ObservedRelay, plan: Plan) -> Sequence[Statement]:
        found = [_apart_statement(plan, "drift"), _apart_statement(plan, "conflict")]
        if observed.moved or not current.target.proof:
            found.append(_foreign_statement(current.target, observed))
        return found

    def unchanged(self, current: Pass, observed: ObservedRelay, plan: Plan) -> Proof:
        if observed.tip is None:
            return Proof({}, {}, "Nothing to write yet; the branch is made with the first address.")
        return _proof(observed.tip, observed.tree, len(observed.ids), plan, "The branch agrees.")

    # apply and verify -----------------------------------------------------------------------------

    def apply(self, current: Pass, observed: ObservedRelay, plan: Plan) -> NewCommit:
        repository = _repository(current.target)
        text = message(
            f"{plan.summary()} for {repository.domain}",
            installation=Installation.current_id(),
            generation=current.target.generation,
            run=current.run_id,
            asked_by=_asked_by(current.target),
        )
        new = build_commit(
            observed.mirror,
            observed.tip,
            [FileChange(change.unit.encode("ascii"), change.content) for change in plan.changes],
            author=AUTHOR,
            email=EMAIL,
            message=text,
            now=int(current.now.timestamp()),
        )
        if new is None:
            raise Retry("lost-race", "The plan changed nothing in the tree; looking again.")
        current.renew()
        with self._connection(repository) as connection:
            current.note(f"Pushing {new.id[:10]} on top of {(observed.tip or 'nothing')[:10]}")
            push(connection, observed.remote, new, observed.tip)
        observed.mirror.add(new)
        current.note(f"Accepted by {repository.host}")
        way = f"{observed.tip[:7]} to {new.id[:7]}" if observed.tip else f"{new.id[:7]}, the first commit"
        current.tell(f"{way}, accepted by {repository.host}.")
        return new

    def verify(self, current: Pass, observed: ObservedRelay, plan: Plan, applied: NewCommit) -> Proof:
        repository = _repository(current.target)
        with self._connection(repository) as connection:
            tip = read_refs(connection, observed.remote).tip
        if tip != applied.id:
            raise Retry("lost-race", "Somebody pushed right after us; looking again.")
        count = len(observed.ids) + sum(
            (change.before_id == "") - (change.after_id == "") for change in plan.changes
        )
        return _proof(
            applied.id,
            applied.tree,
            count,
            plan,
            f"The tip is {applied.id[:7]}, its tree is the desired one.",
        )

    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        repository = _repository(current.target)
        commit = str(proof.get("commit", ""))
        if not commit:
            return None
        self._maintain(current, repository, proof)
        return self._reloader.take_up(current, repository, commit)

    def _maintain(self, current: Pass, repository: Repository, proof: Mapping[str, Any]) -> None:
        if current.target.observed_generation % MAINTAIN_EVERY == 0:
            current.note(f"Our mirror: {self._mirror(repository).maintain()}")

    # connections ----------------------------------------------------------------------------------

    def _mirror(self, repository: Repository) -> Mirror:
        """Our copy of this repository; the last used ones stay open."""
        mirror = self._mirrors.pop(repository.pk, None)
        if mirror is None or not mirror.folder.exists():
            mirror = Mirror(self._folder / str(repository.pk))
        self._mirrors[repository.pk] = mirror
        while len(self._mirrors) > MIRRORS_OPEN:
            self._mirrors.popitem(last=False)[1].close()
        return mirror

    def close(self) -> None:
        """Let go of kept connections and open mirrors."""
        self._pool.close()
        while self._mirrors:
            self._mirrors.popitem()[1].close()

    def _endpoint(self, repository: Repository) -> ssh.SshEndpoint:
        return ssh.SshEndpoint(
            host=repository.host,
            port=repository.port,
            username=repository.username,
            pinned_key=repository.host_key or None,
            private_key=self._opener.open(Purpose.SSH_KEY, bytes(repository.sealed_key)),
        )

    @contextmanager
    def _connection(self, repository: Repository) -> Iterator[ssh.Connection]:
        """A kept connection; what goes wrong with it becomes an outcome with advice."""
        try:
            with self._pool.connection(self._endpoint(repository)) as connection:
                yield connection
        except (ssh.HostKeyUnknown, ssh.HostKeyChanged) as error:
            Repository.objects.filter(pk=repository.pk).update(offered_host_key=error.offered_key)
            raise _host_key_setback(repository, error) from error
        except ssh.AuthenticationRefused as error:
            raise NeedsPerson(
                "key-refused",
                f"{repository.host} did not let us in as {repository.username}.",
                "Add the repository's public key to the git account on that host, then look again.",
            ) from error
        except LostRace as error:
            raise Retry("lost-race", "Somebody else pushed at the same time; looking again.") from error
        except PushRefused as error:
            raise NeedsPerson(
                "push-refused",
                f"{repository.host} refused the push: {printable(str(error), 200)}.",
                "Let our key write to this branch, or look at the hooks of the repository; then look again.",
            ) from error
        except UnknownOutcome as error:
            raise Retry(
                "unknown-outcome", "The connection broke after the push was sent; looking whether it arrived."
            ) from error
        except ssh.Unreachable as error:
            raise Retry(
                "unreachable", f"{repository.host} cannot be reached: {printable(str(error), 200)}."
            ) from error
        except (RepositoryError, ssh.CommandFailed, ssh.ProtocolError) as error:
            raise NeedsPerson(
                "not-a-repository",
                f"{repository.path} could not be read: {printable(str(error), 200)}.",
                "Check the path and that this account may read it, then look again.",
            ) from error


def _repository(target: SyncTarget) -> Repository:
    assert target.repository is not None  # noqa: S101 - of every relay target
    return target.repository


def _host_key_setback(repository: Repository, error: ssh.HostKeyUnknown | ssh.HostKeyChanged) -> NeedsPerson:
    shown = fingerprint(error.offered_key)
    if not isinstance(error, ssh.HostKeyChanged):
        return NeedsPerson(
            "host-key-unknown",
            f"{repository.host} shows the key {shown}.",
            "Compare it with the fingerprint on the host's own screen, and confirm it if they are equal."
            " Nothing was sent yet.",
            {"offered": shown},
        )
    return NeedsPerson(
        "host-key-changed",
        f"{repository.host} shows another key than the one we pinned. Nothing was written.",
        "If you set the server up again, compare the fingerprint with the one on its screen."
        " If nobody did, do not go on, and ask who runs it.",
        {"offered": shown, "pinned": fingerprint(repository.host_key)},
    )


def _require_new_branch(target: SyncTarget, repository: Repository, branches: Sequence[str]) -> None:
    """A missing branch is fine in an empty repository before our first commit, and a person's matter else."""
    if target.proof.get("commit"):
        raise NeedsPerson(
            "branch-missing",
            f"The branch {repository.branch} is gone from {repository.path}.",
            "Restore it from a copy, or tell Rookery to start over with a new repository.",
        )
    if branches:
        names = ", ".join(printable(name, 60) for name in branches[:5])
        raise NeedsPerson(
            "branch-missing",
            f"There is no branch {repository.branch} in {repository.path}; it has {names}.",
            "Correct the branch: ptt reads exactly one, and main when it is not told.",
        )


def _require_our_line(target: SyncTarget, mirror: Mirror, tip: str, proved: str | None) -> None:
    """Stop for rewritten history, for another installation, and for a database older than the outside."""
    if tip in target.agreed_to:
        return
    if proved and not (mirror.has(proved) and mirror.is_ancestor(proved, tip, HISTORY_LIMIT)):
        raise NeedsPerson(
            "history-rewritten",
            f"The branch was rewritten: its tip {tip[:7]} does not contain our last commit {proved[:7]}.",
            "Ask who pushed by force. If it was meant, agree to go on from the new tip.",
            {"tip": tip, "proved": proved},
            agree_to=tip,
        )
    here = Installation.current_id()
    for commit in mirror.log(tip, HISTORY_LIMIT):
        if commit.id == proved:
            return
        mark = find_mark(commit.message)
        if mark is None:
            continue
        if mark.installation != here:
            raise NeedsPerson(
                "foreign-installation",
                "Another installation of Rookery writes to this branch.",
                "Two would undo each other's work. Disconnect one of them, or agree to take over here.",
                {"tip": tip, "installation": mark.installation},
                agree_to=tip,
            )
        if mark.generation > target.generation:
            raise NeedsPerson(
                "database-restored",
                f"The branch holds our change number {mark.generation}, but this database only knows"
                f" {target.generation}: it was restored from an older copy.",
                "Nothing was written, so that newer users are not lost. Bring them back here, then agree.",
                {"tip": tip, "outside": mark.generation, "here": target.generation},
                agree_to=tip,
            )
        return


def _file_ids(mirror: Mirror, commit: str | None) -> dict[bytes, str]:
    """Blob ids of the plain files in the root; ptt reads nothing else."""
    if not commit:
        return {}
    return {
        name: item.id for name, item in mirror.tip_tree(commit).items() if item.mode in {0o100644, 0o100755}
    }


def _name(unit: str) -> bytes:
    return unit.encode("ascii", "replace")


def _proof(commit: str, tree: str, entries: int, plan: Plan, sentence: str) -> Proof:
    stored = {
        "commit": commit,
        "tree": tree,
        "entries": entries,
        "apart": {each.unit: each.base_id for each in plan.apart},
    }
    evidence = {
        "Commit": commit,
        "Tree": tree,
        "Entries": str(entries),
        "Plan checksum": plan.checksum,
    }
    return Proof(stored, evidence, sentence)


def _apart_statement(plan: Plan, reason: str) -> Statement:
    units = [each for each in plan.apart if each.reason == reason]
    kind = Condition.Type.DRIFTED if reason == "drift" else Condition.Type.CONFLICTED
    if not units:
        return Statement(kind, False, "none", "Nobody else changed our entries.")
    sentence = " ".join(each.sentence for each in units[:5])
    more = f" And {len(units) - 5} more." if len(units) > 5 else ""
    return Statement(
        kind,
        True,
        reason,
        f"{sentence}{more} They were left alone; choose “repair” to write what Rookery has.",
        {"units": [each.as_dict() for each in units[:50]], "count": len(units)},
    )


def _foreign_statement(target: SyncTarget, observed: ObservedRelay) -> Statement:
    ours = known_names(target)
    foreign = sorted(name for name in observed.ids if name not in ours)
    if not foreign:
        return Statement(Condition.Type.FOREIGN_ENTRIES, False, "none", "Every entry is Rookery's.")
    units = []
    for name in foreign[:50]:
        verdict = read(name, observed.mirror.blob(observed.ids[name]))
        reason = "" if isinstance(verdict, Readable) else printable(verdict.reason, 200)
        units.append({"unit": printable(name, 80), "skipped_because": reason})
    return Statement(
        Condition.Type.FOREIGN_ENTRIES,
        True,
        "kept",
        f"{len(foreign)} entries were not made by Rookery. They are kept as they are.",
        {"units": units, "count": len(foreign)},
    )


def _asked_by(target: SyncTarget) -> list[str]:
    rows = (
        Event.objects.filter(
            sync_target=target,
            generation__gt=target.observed_generation,
            generation__lte=target.generation,
        )
        .order_by("pk")
        .values_list("actor_name", flat=True)[:1000]
    )
    return list(dict.fromkeys(rows))


def _by_hand(target: SyncTarget, plan: Plan) -> tuple[str, ...]:
    """Shell lines that would do the same by hand; passphrase hashes are left out."""
    if plan.is_empty:
        return ()
    repository = _repository(target)
    url = f"ssh://{repository.username}@{repository.host}:{repository.port}/{repository.path.lstrip('/')}"
    lines = [f"git clone --depth 1 --branch {repository.branch} {url} relay && cd relay"]
    gone = [change.unit for change in plan.changes if change.content is None]
    written = [change.unit for change in plan.changes if change.content is not None]
    if gone:
        lines.append(f"git rm -- {' '.join(gone[:20])}{' …' if len(gone) > 20 else ''}")
    if written:
        shown = " ".join(written[:20]) + (" …" if len(written) > 20 else "")
        lines.append(f"# write the new content of: {shown}")
        lines.append(f"git add -- {shown}")
    lines.append(f"git commit -m '{plan.summary()}' && git push origin {repository.branch}")
    return tuple(lines)
