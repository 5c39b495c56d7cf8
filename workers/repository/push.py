"""Pushing one commit as a thin pack, by compare-and-set on the branch (gitprotocol-pack)."""

from __future__ import annotations

from tenants.formats.text import printable
from workers.repository.commit import NewCommit
from workers.repository.errors import LostRace, PushRefused, RepositoryError, UnknownOutcome
from workers.repository.pktline import FLUSH, pkt, read_lines
from workers.repository.remote import ZERO, RemoteRepository, complaint, read_advertisement
from workers.ssh import Channel, Connection, Unreachable

# What receive-pack says when the branch is not where we said it was.
_RACES = ("failed to update ref", "cannot lock ref", "non-fast-forward", "fetch first", "already exists")
_REPORT_AT_MOST = 100
_CHUNK = 1 << 18


def push(connection: Connection, remote: RemoteRepository, new: NewCommit, old: str | None) -> None:
    """Make the branch point at `new` if and only if it points at `old` (None: it does not exist).

    Raises LostRace, PushRefused, UnknownOutcome (the connection broke after the pack was on its way: it may
    or may not have arrived), RepositoryError or Unreachable (nothing was sent).
    """
    with connection.open(remote.command("git-receive-pack")) as channel:
        refs = read_advertisement(channel, remote)
        if refs.tip != old:
            channel.write(FLUSH)
            raise LostRace(
                f"the branch is at {(refs.tip or 'nothing')[:10]}, not at {(old or 'nothing')[:10]}"
            )
        if "report-status" not in refs.capabilities:
            raise RepositoryError("it cannot report whether a push arrived")
        pack = new.full_pack() if "no-thin" in refs.capabilities else new.thin
        command = f"{old or ZERO} {new.id} ".encode() + remote.ref + b"\0 report-status agent=rookery"
        try:
            channel.write(pkt(command) + FLUSH)
            for start in range(0, len(pack), _CHUNK):
                channel.write(pack[start : start + _CHUNK])
            channel.finish_writing()
            report = list(read_lines(channel, at_most=_REPORT_AT_MOST))
        except Unreachable as error:
            said = channel.stderr()
            raise UnknownOutcome(said or str(error)) from error
        _judge(report, remote, channel)


def _judge(report: list[bytes], remote: RemoteRepository, channel: Channel) -> None:
    verdicts = dict(_verdict(line) for line in report)
    if verdicts.get(remote.ref) == "ok" and verdicts.get(b"unpack") == "ok":
        return
    reason = verdicts.get(remote.ref) or verdicts.get(b"unpack") or "it gave no reason"
    if any(known in reason for known in _RACES):
        raise LostRace(reason)
    said = complaint(channel)
    raise PushRefused(f"{reason}; it says: {said}" if said else reason)


def _verdict(line: bytes) -> tuple[bytes, str]:
    """`unpack ok`, `ok <ref>` or `ng <ref> <reason>` as (unpack or ref, "ok" or reason)."""
    word, _, rest = line.partition(b" ")
    if word == b"ok":
        return rest, "ok"
    if word == b"ng":
        ref, _, reason = rest.partition(b" ")
        return ref, printable(reason, 200)
    return word, printable(rest, 200)
