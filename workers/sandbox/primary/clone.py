"""The primary's copy of zone.git: shallow, over SSH, with what git-kv does in a pull and in a push.

A pull asks for commits "since the date of what it has": a tip with an older date makes it fail. A push never
looks first: it puts its own commit in the place of whatever the branch points at, and only a repository with
`receive.denyNonFastForwards` refuses that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path

from tenants.formats.text import printable
from workers.repository import (
    LostRace,
    Mirror,
    NewCommit,
    RemoteRepository,
    RepositoryError,
    push,
    read_refs,
)
from workers.repository.mirror import skip_acknowledgements
from workers.repository.objects import Tree, object_id, write_commit
from workers.repository.pack import BLOB, COMMIT, TREE, pack, whole
from workers.repository.pktline import FLUSH, pkt, read_lines
from workers.repository.remote import complaint, read_advertisement
from workers.ssh import Channel, Connection, SshError, Unreachable, connect

__all__ = ["Clone", "PullFailed", "PushFailed"]

EMAIL = "git-noreply@robur.coop"
_MOST_SHALLOW = 1_000
_KINDS = {b"blob": BLOB, b"tree": TREE, b"commit": COMMIT}


class PullFailed(Exception):
    """The old data stay; the text is what the console says."""


class PushFailed(Exception):
    """The primary believes that it pushed; the text is what the console says."""


class Clone:
    """A branch of a repository. Its calls block; one thread at a time uses it."""

    def __init__(self, folder: Path, remote: RemoteRepository, clock: Callable[[], float]) -> None:
        self._mirror = _Shallow(folder)
        self._remote, self._clock = remote, clock
        self._unpushed: list[NewCommit] = []
        self.head: str | None = None

    def pull(self) -> Mapping[bytes, bytes]:
        """Return the top-level files of the branch's tip; none where there is no branch. Own commits that
        were not pushed are forgotten. Raises PullFailed."""
        try:
            connection = connect(self._remote.endpoint)
        except SshError as error:
            raise PullFailed(f"cannot reach {self._remote.path}: {error}") from None
        try:
            tip = self._fetched(connection)
        except (SshError, RepositoryError) as error:
            raise PullFailed(str(error)) from None
        finally:
            connection.close()
        self.head, self._unpushed = tip, []
        return self._files()

    def commit(self, changes: Mapping[bytes, bytes | None], *, author: str, message: str) -> str:
        """Commit on top of what it has (None removes a file) and push. Raises PushFailed; the commit is its
        HEAD all the same."""
        made = self._made(changes, author, message)
        self._mirror.add(made)
        self.head = made.id
        self._unpushed.append(made)
        self._push(made)
        self._unpushed = []
        return made.id

    def names(self) -> set[bytes]:
        """The names of the top-level files."""
        return set(self._mirror.files(self.head)) if self.head else set()

    def close(self) -> None:
        self._mirror.close()

    def _files(self) -> Mapping[bytes, bytes]:
        if self.head is None:
            return {}
        return {name: self._mirror.whole(blob) for name, blob in self._mirror.files(self.head).items()}

    def _fetched(self, connection: Connection) -> str | None:
        refs = read_refs(connection, self._remote)
        if refs.tip is None or refs.tip == self.head:
            return refs.tip
        since = self._mirror.commit(self.head).author_time if self.head else None
        self._mirror.fetch_shallow(connection, self._remote, refs.tip, since)
        return refs.tip

    def _made(self, changes: Mapping[bytes, bytes | None], author: str, message: str) -> NewCommit:
        old = self._mirror.tree_of(self.head) if self.head else Tree(b"")
        blobs = [content for content in changes.values() if content is not None]
        ids = {
            name: None if content is None else object_id(b"blob", content).hex()
            for name, content in changes.items()
        }
        tree = old.spliced(old.splices(ids), ids)
        written = write_commit(
            tree=tree.id,
            parent=self.head,
            author=author,
            email=EMAIL,
            when=int(self._clock()),
            message=message,
        )
        objects = (*((b"blob", content) for content in blobs), (b"tree", tree.content), (b"commit", written))
        return NewCommit(
            object_id(b"commit", written).hex(), self.head, _packed(objects), False, tree, objects
        )

    def _push(self, made: NewCommit) -> None:
        everything = tuple(dict.fromkeys(each for commit in self._unpushed for each in commit.objects))
        sent = NewCommit(made.id, made.parent, _packed(everything), False, made.root, everything)
        try:
            connection = connect(self._remote.endpoint)
        except SshError as error:
            raise PushFailed(str(error)) from None
        try:
            push(connection, self._remote, sent, read_refs(connection, self._remote).tip)
        except LostRace as error:
            raise PushFailed(f"non-fast-forward: {error}") from None
        except (SshError, RepositoryError) as error:
            raise PushFailed(str(error)) from None
        finally:
            connection.close()


class _Shallow(Mirror):
    """A mirror that fetches only the newest commits."""

    def whole(self, blob: str) -> bytes:
        """A file's content, however large."""
        return self._raw(3, blob)

    def fetch_shallow(
        self, connection: Connection, remote: RemoteRepository, tip: str, since: int | None
    ) -> None:
        """Bring `tip` here: alone, or with all commits from `since` (seconds) on. Raises RepositoryError,
        also when the host has none as young as that."""
        depth = "deepen 1" if since is None else f"deepen-since {since}"
        with connection.open(remote.command("git-upload-pack")) as channel:
            read_advertisement(channel, remote)
            words = "ofs-delta no-progress shallow deepen-since deepen-relative agent=git/primary"
            channel.write(pkt(f"want {tip} {words}\n".encode()) + pkt(f"{depth}\n".encode()) + FLUSH)
            _read_shallow(channel)
            channel.write(pkt(b"done\n"))
            start = skip_acknowledgements(channel)
            self._store_pack(chain([start], iter(lambda: channel.read(65_536), b"")))
        if not self.has(tip):
            raise RepositoryError("the pack lacks what was asked for")
        self._remember(tip)


def _read_shallow(channel: Channel) -> None:
    try:
        for line in read_lines(channel, at_most=_MOST_SHALLOW):
            if not line.startswith((b"shallow ", b"unshallow ")):
                raise RepositoryError(printable(line, 200))
    except Unreachable as error:
        raise RepositoryError(complaint(channel) or str(error)) from error


def _packed(objects: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return pack([whole(_KINDS[kind], content) for kind, content in objects])
