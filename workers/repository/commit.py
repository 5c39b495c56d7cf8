"""Building one commit on top of a tip: blobs, the root tree spliced, the commit, and their thin pack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workers.repository import pack
from workers.repository.errors import RepositoryError
from workers.repository.mirror import Mirror
from workers.repository.objects import Tree, object_id, write_commit

# Beyond this many changes a delta of the tree saves nothing worth its instructions.
_DELTA_AT_MOST = 500


@dataclass(frozen=True)
class FileChange:
    """New content of a file in the root; None removes it."""

    name: bytes
    content: bytes | None = field(repr=False)


@dataclass(frozen=True)
class NewCommit:
    """A commit that exists only here so far.

    `thin` is its pack; where the tree in it is a delta (`leans`), it leaves out what the parent has.
    """

    id: str
    parent: str | None
    thin: bytes = field(repr=False)
    leans: bool
    root: Tree = field(repr=False)
    objects: tuple[tuple[bytes, bytes], ...] = field(repr=False)

    @property
    def tree(self) -> str:
        return self.root.id

    def full_pack(self) -> bytes:
        """The same without deltas, for a remote that does not take thin packs."""
        if not self.leans:
            return self.thin
        kinds = {b"blob": pack.BLOB, b"tree": pack.TREE, b"commit": pack.COMMIT}
        return pack.pack([pack.whole(kinds[kind], content) for kind, content in self.objects])


def build_commit(
    mirror: Mirror,
    parent: str | None,
    changes: Sequence[FileChange],
    *,
    author: str,
    email: str,
    message: str,
    now: int,
) -> NewCommit | None:
    """A commit of `changes` on top of `parent`, or None when they change nothing.

    Its date is `now` or one second after the parent's, whichever is later: ptt's readers fetch "since the
    date of what they have", so dates must never go back. Everything else in the tree keeps its id and mode.
    """
    old = mirror.tree_of(parent) if parent is not None else Tree(b"")
    blobs: dict[bytes, bytes] = {}
    ids: dict[bytes, str | None] = {}
    for change in changes:
        if (
            not change.name
            or b"/" in change.name
            or b"\0" in change.name
            or change.name in {b".", b"..", b".git"}
        ):
            raise RepositoryError(f"{change.name!r} cannot be the name of a file")
        if change.content is None:
            ids[change.name] = None
            continue
        blob = object_id(b"blob", change.content)
        blobs[blob] = change.content
        ids[change.name] = blob.hex()
    splices = old.splices(ids)
    if not splices and parent is not None:
        return None
    tree = old.spliced(splices, ids)
    when = now
    if parent is not None:
        before = mirror.commit(parent)
        when = max(now, before.author_time + 1, before.commit_time + 1)
    commit_content = write_commit(
        tree=tree.id, parent=parent, author=author, email=email, when=when, message=message
    )
    # Git reads no delta that leaves nothing: it would be too short.
    leans = bool(old.content and tree.content) and len(splices) <= _DELTA_AT_MOST
    if leans:
        packed_tree = pack.delta(bytes.fromhex(old.id), pack.splice_delta(old.content, splices))
    else:
        packed_tree = pack.whole(pack.TREE, tree.content)
    entries = [pack.whole(pack.BLOB, content) for content in blobs.values()]
    entries += [packed_tree, pack.whole(pack.COMMIT, commit_content)]
    objects = [(b"blob", content) for content in blobs.values()]
    return NewCommit(
        id=object_id(b"commit", commit_content).hex(),
        parent=parent,
        thin=pack.pack(entries),
        leans=leans,
        root=tree,
        objects=(*objects, (b"tree", tree.content), (b"commit", commit_content)),
    )
