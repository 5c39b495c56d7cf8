"""Git's objects as bytes: ids, trees and commits (gitformat-pack, git-mktree)."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from workers.repository.errors import RepositoryError

FILE_MODE = 0o100644
TREE_MODE = 0o040000
_PLAIN = frozenset({FILE_MODE, 0o100755})


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
    """A root tree that can be changed by splicing its bytes: a change costs its own size, not the tree's.

    `files` are the ids (40 hex digits) of its plain files by name; folders, links and the like have none.
    """

    def __init__(self, content: bytes) -> None:
        """Raises RepositoryError for bytes that are no tree."""
        self.content = content
        self.files: dict[bytes, str] = {}
        self._folders: set[bytes] = set()
        self._others: dict[bytes, str] = {}
        self._keys: list[bytes] = []
        self._starts: list[int] = []
        for start, mode, name, blob in _lines(content):
            self._starts.append(start)
            # git sorts a folder as if its name ended with a slash.
            self._keys.append(name + b"/" if mode == TREE_MODE else name)
            if mode in _PLAIN:
                self.files[name] = blob
            elif mode == TREE_MODE:
                self._folders.add(name)
            else:
                self._others[name] = blob
        self._starts.append(len(content))
        if any(a >= b for a, b in pairwise(self._keys)):
            raise RepositoryError("a tree object is damaged: it is not in git's order")

    @cached_property
    def others(self) -> frozenset[bytes]:
        """Names of what is no plain file: folders, links, sub-modules."""
        return frozenset({*self._folders, *self._others})

    @cached_property
    def id(self) -> str:
        return object_id(b"tree", self.content).hex()

    def splices(self, changes: Mapping[bytes, str | None]) -> list[tuple[int, int, bytes]]:
        """(start, end, replacement) for new blob ids by name; None removes. What stays equal gives none."""
        found: list[tuple[int, int, bytes]] = []
        for name in sorted(changes):
            blob = changes[name]
            old = self.files.get(name) or self._others.get(name)
            if name in self._folders:
                raise RepositoryError(f"{name!r} is a folder in the repository, not an entry")
            if old == blob:
                continue
            index = bisect_left(self._keys, name)
            start = self._starts[index]
            end = self._starts[index + 1] if old is not None else start
            line = b"%o %s\0%s" % (FILE_MODE, name, bytes.fromhex(blob)) if blob is not None else b""
            found.append((start, end, line))
        return found

    def spliced(self, splices: list[tuple[int, int, bytes]], changes: Mapping[bytes, str | None]) -> Tree:
        """The tree after `changes`, whose splices these are. Where only ids change, nothing is read again."""
        content = self._joined(splices)
        same_places = len(content) == len(self.content)
        if not same_places or not all(blob and name in self.files for name, blob in changes.items()):
            return Tree(content)
        after = copy(self)
        after.__dict__.pop("id", None)
        after.content = content
        after.files = {**self.files, **{name: blob for name, blob in changes.items() if blob}}
        return after

    def _joined(self, splices: list[tuple[int, int, bytes]]) -> bytes:
        parts: list[bytes] = []
        position = 0
        for start, end, replacement in splices:
            parts += (self.content[position:start], replacement)
            position = end
        parts.append(self.content[position:])
        return b"".join(parts)


def _lines(content: bytes) -> Iterator[tuple[int, int, bytes, str]]:
    """(start, mode, name, id) of each line."""
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
        yield position, mode, content[space + 1 : null], content[null + 1 : null + 21].hex()
        position = null + 21
