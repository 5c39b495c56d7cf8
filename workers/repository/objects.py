"""Git's objects as bytes: ids, trees and commits (gitformat-pack, git-mktree)."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from workers.repository.errors import RepositoryError

FILE_MODE = 0o100644
TREE_MODE = 0o040000


@dataclass(frozen=True)
class TreeItem:
    """One line of a tree: its mode and object id (40 hex digits)."""

    mode: int
    id: str


@dataclass(frozen=True)
class Commit:
    """A commit as read; texts are bytes because anybody may have written them."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author_time: int
    commit_time: int
    message: bytes


def object_id(kind: bytes, content: bytes) -> bytes:
    """The 20-byte SHA-1 id."""
    return hashlib.sha1(b"%s %d\0%s" % (kind, len(content), content), usedforsecurity=False).digest()


def parse_tree(content: bytes) -> dict[bytes, TreeItem]:
    """Name → item, in git's order. Raises RepositoryError for bytes that are no tree."""
    items: dict[bytes, TreeItem] = {}
    position, end = 0, len(content)
    while position < end:
        space = content.find(b" ", position, position + 8)
        null = content.find(b"\0", space)
        if space < 0 or null < 0 or null + 21 > end:
            raise RepositoryError("a tree object is damaged")
        try:
            mode = int(content[position:space], 8)
        except ValueError as error:
            raise RepositoryError("a tree object is damaged") from error
        items[content[space + 1 : null]] = TreeItem(mode, content[null + 1 : null + 21].hex())
        position = null + 21
    return items


def _order(name: bytes, mode: int) -> bytes:
    # git sorts a folder as if its name ended with a slash.
    return name + b"/" if mode == TREE_MODE else name


def write_commit(*, tree: str, parent: str | None, author: str, email: str, when: int, message: str) -> bytes:
    """The commit object's content; author and committer are the same, times are UTC seconds."""
    person = f"{author} <{email}> {when} +0000"
    lines = [f"tree {tree}"]
    if parent is not None:
        lines.append(f"parent {parent}")
    lines += [f"author {person}", f"committer {person}", "", message]
    return "\n".join(lines).encode()


def parse_commit(commit_id: str, content: bytes) -> Commit:
    """Raises RepositoryError for bytes that are no commit."""
    head, _, message = content.partition(b"\n\n")
    tree, parents, times = "", [], {b"author": 0, b"committer": 0}
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"tree" and not tree:
            tree = value.decode("ascii", "replace")
        elif key == b"parent":
            parents.append(value.decode("ascii", "replace"))
        elif key in times:
            words = value.rsplit(b" ", 2)
            if len(words) == 3 and words[1].isdigit() and len(words[1]) < 12:
                times[key] = int(words[1])
    if len(tree) != 40:
        raise RepositoryError("a commit object is damaged")
    return Commit(commit_id, tree, tuple(parents), times[b"author"], times[b"committer"], message)


class Tree:
    """A root tree that can be changed by splicing its bytes: a change costs its own size, not the tree's."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.items = parse_tree(content)
        self._keys = [_order(name, item.mode) for name, item in self.items.items()]
        self._starts: list[int] = []
        position = 0
        for name, item in self.items.items():
            self._starts.append(position)
            position += len(b"%o" % item.mode) + len(name) + 22
        self._starts.append(position)
        if position != len(content) or any(a >= b for a, b in pairwise(self._keys)):
            raise RepositoryError("a tree object is damaged: it is not in git's order")

    @property
    def id(self) -> str:
        return object_id(b"tree", self.content).hex()

    def splices(self, changes: Mapping[bytes, str | None]) -> list[tuple[int, int, bytes]]:
        """(start, end, replacement) for new blob ids by name; None removes. What stays equal gives none."""
        found: list[tuple[int, int, bytes]] = []
        for name in sorted(changes):
            blob = changes[name]
            old = self.items.get(name)
            if old is not None and old.mode == TREE_MODE:
                raise RepositoryError(f"{name!r} is a folder in the repository, not an entry")
            if (old.id if old else None) == blob:
                continue
            index = bisect_left(self._keys, name)
            start = self._starts[index]
            end = self._starts[index + 1] if old is not None else start
            line = b"%o %s\0%s" % (FILE_MODE, name, bytes.fromhex(blob)) if blob is not None else b""
            found.append((start, end, line))
        return found

    def spliced(self, splices: list[tuple[int, int, bytes]]) -> bytes:
        parts: list[bytes] = []
        position = 0
        for start, end, replacement in splices:
            parts += (self.content[position:start], replacement)
            position = end
        parts.append(self.content[position:])
        return b"".join(parts)
