"""Our own bare copy of a remote branch: what we fetched and what we pushed. It can be thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID

from tenants.formats.text import printable
from workers.repository.errors import MirrorDamaged, RepositoryError
from workers.repository.objects import Commit, Tree, object_id, parse_commit
from workers.repository.pktline import FLUSH, pkt, read_pkt, read_pkt_after
from workers.repository.tidy import Size, read_size
from workers.ssh import Channel, Connection

if TYPE_CHECKING:
    from workers.repository.commit import NewCommit
    from workers.repository.remote import RemoteRepository

PACK_LIMIT = 512 * 1024 * 1024
LOOSE_AT_MOST = 50
MAINTAIN_ABOVE = 600
PROGRAM_TIMEOUT = 120
BLOB_LIMIT = 1 << 20
ACKNOWLEDGEMENTS_AT_MOST = 100
_TREES_KEPT = 8
_KINDS = {b"commit": 1, b"tree": 2, b"blob": 3}
_NAMES = {number: name for name, number in _KINDS.items()}
_trees: OrderedDict[str, Tree] = OrderedDict()


def git_environment() -> dict[str, str]:
    """A clean environment for git: nobody's configuration, no prompts, no terminal."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }


def _deflate(objects: Iterable[tuple[bytes, bytes]], into: list[tuple[str, bytes]]) -> None:
    """Ids and contents of loose object files; zlib lets other threads run meanwhile."""
    for kind, content in objects:
        packed = zlib.compress(b"%s %d\0%s" % (kind, len(content), content), 1)
        into.append((object_id(kind, content).hex(), packed))


class _Missing(MirrorDamaged):
    """An object that is not here at all."""


def skip_acknowledgements(channel: Channel) -> bytes:
    """Read ACK and NAK lines up to the pack, however many there are; return the pack's first bytes."""
    for _ in range(ACKNOWLEDGEMENTS_AT_MOST):
        head = channel.read_exactly(4)
        if head == b"PACK":
            return head
        answer = read_pkt_after(head, channel)
        if answer is None or not answer.startswith((b"ACK ", b"NAK")):
            raise RepositoryError(printable(answer or b"it sent no pack", 200))
    raise RepositoryError("it acknowledges without end")


def _keep(tree_id: str, tree: Tree) -> None:
    """Keep it parsed; the one that nobody asked for the longest goes."""
    _trees[tree_id] = tree
    _trees.move_to_end(tree_id)
    while len(_trees) > _TREES_KEPT:
        _trees.popitem(last=False)


class Mirror:
    """A bare repository in `folder`, made when it is missing. One worker at a time uses it (the lease)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "objects").is_dir():
            self._make()
        self._store = DiskObjectStore(folder / "objects")

    def _make(self) -> None:
        """Made beside and moved into place, so that a half-made one is never used."""
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder.parent))
        try:
            self._git(
                "init", "--quiet", "--bare", "--initial-branch=main", str(draft), folder=self.folder.parent
            )
            shutil.rmtree(self.folder, ignore_errors=True)
            draft.rename(self.folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def close(self) -> None:
        """Let go of open files; the mirror on disk stays."""
        self._store.close()

    # reading --------------------------------------------------------------------------------------

    def has(self, commit: str) -> bool:
        """Is this commit here, with its tree? Raises MirrorDamaged when it is, but cannot be read."""
        try:
            self.tree_of(commit)
        except _Missing:
            return False
        except MirrorDamaged:
            raise
        except RepositoryError:
            return False
        return True

    def _raw(self, kind: int, object_hex: str) -> bytes:
        """An object's content, checked. Raises MirrorDamaged when it is not here as it should be."""
        try:
            found, content = self._loose(object_hex) or self._store.get_raw(
                ObjectID(object_hex.encode("ascii"))
            )
        except KeyError as error:
            raise _Missing(f"object {object_hex[:10]} is not in our copy") from error
        except Exception as error:  # whatever the library stumbles over in bytes that a disk has garbled
            raise MirrorDamaged(f"object {object_hex[:10]} cannot be read in our copy") from error
        if found not in _NAMES or object_id(_NAMES[found], content).hex() != object_hex:
            raise MirrorDamaged(f"object {object_hex[:10]} is garbled in our copy")
        if found != kind:
            raise RepositoryError(f"object {object_hex[:10]} is of another kind than expected")
        return content

    def _loose(self, object_hex: str) -> tuple[int, bytes] | None:
        """An object that lies around by itself; the library would parse a whole tree for it."""
        try:
            packed = (self.folder / "objects" / object_hex[:2] / object_hex[2:]).read_bytes()
        except FileNotFoundError:
            return None
        head, _, content = zlib.decompress(packed).partition(b"\0")
        return _KINDS.get(head.partition(b" ")[0], 0), content

    def commit(self, commit: str) -> Commit:
        return parse_commit(commit, self._raw(1, commit))

    def tree_of(self, commit: str) -> Tree:
        """The root tree of a commit; the last few are kept parsed."""
        tree_id = self.commit(commit).tree
        tree = _trees.get(tree_id)
        if tree is None:
            tree = Tree(self._raw(2, tree_id))
        _keep(tree_id, tree)
        return tree

    def files(self, commit: str) -> Mapping[bytes, str]:
        """The plain files in the root of a commit: name → blob id."""
        return self.tree_of(commit).files

    def blob(self, blob: str, limit: int = BLOB_LIMIT) -> bytes:
        """A file's content, cut after `limit` bytes; nothing over a mebibyte is an entry of a relay."""
        return self._raw(3, blob)[:limit]

    def log(self, tip: str, limit: int) -> Iterator[Commit]:
        """First parents from `tip` backwards, at most `limit`."""
        current: str | None = tip
        for _ in range(limit):
            if current is None:
                return
            commit = self.commit(current)
            yield commit
            current = commit.parents[0] if commit.parents else None

    def is_ancestor(self, old: str, new: str, limit: int) -> bool:
        """Is `old` reachable from `new`, looking at no more than `limit` commits?"""
        seen: set[str] = set()
        waiting = [new]
        while waiting and len(seen) < limit:
            current = waiting.pop(0)
            if current == old:
                return True
            if current in seen:
                continue
            seen.add(current)
            waiting.extend(self.commit(current).parents)
        return False

    # writing --------------------------------------------------------------------------------------

    def fetch(self, connection: Connection, remote: RemoteRepository, *, expected_tip: str) -> None:
        """Bring `expected_tip` and its history here; does nothing when it is here already.

        Raises MirrorDamaged when what came does not fit to what is here; into an empty mirror it has to.
        """
        if self.has(expected_tip):
            return
        have, was_empty = self._have(), self._is_empty()
        with connection.open(remote.command("git-upload-pack")) as channel:
            while read_pkt(channel) is not None:
                pass
            wants = pkt(f"want {expected_tip} ofs-delta thin-pack no-progress\n".encode()) + FLUSH
            haves = b"".join(pkt(f"have {commit}\n".encode()) for commit in have)
            channel.write(wants + haves + pkt(b"done\n"))
            start = skip_acknowledgements(channel)
            try:
                self._store_pack(chain([start], iter(lambda: channel.read(65_536), b"")))
            except RepositoryError as error:
                if was_empty:
                    raise
                raise MirrorDamaged(str(error)) from error
        if not self.has(expected_tip):
            raise RepositoryError(f"it did not send the commit {expected_tip[:10]} that it advertises")
        self._remember(expected_tip)

    def add(self, new: NewCommit) -> None:
        """Keep what we pushed, so that it need not be fetched."""
        with self.adding(new):
            pass

    @contextmanager
    def adding(self, new: NewCommit) -> Iterator[None]:
        """Keep `new` unless the body raises; it is made ready while the body waits for the other side."""
        if len(new.objects) > LOOSE_AT_MOST:
            yield
            self._store_pack(iter([new.full_pack()]))
        else:
            loose: list[tuple[str, bytes]] = []
            packer = threading.Thread(target=_deflate, args=(new.objects, loose), daemon=True)
            packer.start()
            yield
            packer.join()
            for name, packed in loose:
                self._write_loose(name, packed)
        _keep(new.tree, new.root)
        self._remember(new.id)

    def _write_loose(self, name: str, packed: bytes) -> None:
        path = self.folder / "objects" / name[:2] / name[2:]
        if path.exists():
            return
        path.parent.mkdir(exist_ok=True)
        draft = path.with_name(f"tmp_obj_{os.getpid()}_{name[2:8]}")
        draft.write_bytes(packed)
        draft.rename(path)

    def _store_pack(self, chunks: Iterator[bytes]) -> None:
        words = ["index-pack", "--stdin", "--fix-thin", f"--max-input-size={PACK_LIMIT}"]
        process = subprocess.Popen(  # noqa: S603 - fixed words
            ["git", *words],  # noqa: S607 - git is a named requirement
            cwd=self.folder,
            env={**git_environment(), "GIT_DIR": str(self.folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            for chunk in chunks:
                process.stdin.write(chunk)
            _, complaint = process.communicate(timeout=PROGRAM_TIMEOUT)
        except BrokenPipeError:
            _, complaint = process.communicate(timeout=PROGRAM_TIMEOUT)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        if process.returncode:
            raise RepositoryError(f"what it sent is no pack: {printable(complaint, 200)}")

    def _remember(self, commit: str) -> None:
        """Point our branch at it, so that maintenance keeps it and the next fetch says that we have it.

        The one before stays reachable as `refs/rookery/before`: it may be the last proved state.
        """
        refs = self.folder / "refs" / "rookery"
        refs.mkdir(parents=True, exist_ok=True)
        tip = refs / "tip"
        if tip.exists() and tip.read_text().strip() != commit:
            tip.replace(refs / "before")
        draft = refs / ".tip.new"
        draft.write_text(f"{commit}\n")
        draft.replace(tip)

    def _is_empty(self) -> bool:
        return not any(path.is_file() for path in (self.folder / "objects").rglob("*"))

    def _have(self) -> list[str]:
        found = []
        for name in ("tip", "before"):
            path = self.folder / "refs" / "rookery" / name
            if path.exists():
                found.append(path.read_text().strip())
        return [commit for commit in found if len(commit) == 40 and self.has(commit)]

    # maintenance ----------------------------------------------------------------------------------

    def loose_objects(self) -> int:
        objects = self.folder / "objects"
        return sum(len(os.listdir(objects / name)) for name in os.listdir(objects) if len(name) == 2)

    def size(self) -> Size:
        """How much it holds."""
        counted = read_size(self._git("count-objects", "-v"))
        assert counted is not None  # noqa: S101 - our own git
        return counted

    def maintain(self) -> str:
        """Pack what lies around when there is much of it; says what was done."""
        loose = self.loose_objects()
        if loose < MAINTAIN_ABOVE:
            return f"{loose} loose objects, nothing to do"
        try:
            self._git("gc", "--quiet", "--prune=now")
        except RepositoryError as error:
            raise MirrorDamaged(str(error)) from error
        self._store.close()
        self._store = DiskObjectStore(self.folder / "objects")
        return f"packed {loose} loose objects"

    def _git(self, *words: str, folder: Path | None = None) -> bytes:
        done = subprocess.run(  # noqa: S603 - our own words
            ["git", *words],  # noqa: S607 - git is a named requirement
            cwd=folder or self.folder,
            env=git_environment(),
            capture_output=True,
            timeout=PROGRAM_TIMEOUT,
            check=False,
        )
        if done.returncode:
            raise RepositoryError(f"git {words[0]}: {printable(done.stderr, 200)}")
        return done.stdout
