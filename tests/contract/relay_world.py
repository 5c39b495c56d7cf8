"""A relay repository on a real git host, and the controller that keeps it in agreement."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tenants.models import Repository, SyncTarget
from tenants.secrets import Opener
from workers import ssh
from workers.controller import Controller, Ending
from workers.repository.mirror import git_environment
from workers.sandbox.git_host import GitHost
from workers.targets.relay_repository import RelayRepository
from workers.targets.reload import ByHand


@dataclass
class RelayWorld:
    host: GitHost
    target: SyncTarget
    repository: Repository
    kind: RelayRepository
    controller: Controller

    @classmethod
    def make(cls, host: GitHost, repository: Repository, mirrors: Path) -> RelayWorld:
        kind = RelayRepository(opener=Opener(), pool=ssh.ConnectionPool(), reloader=ByHand(), mirrors=mirrors)
        controller = Controller(kinds={SyncTarget.Kind.RELAY_REPOSITORY: kind})
        return cls(host, repository.sync_target, repository, kind, controller)

    @property
    def folder(self) -> Path:
        return self.host.folder / self.repository.path

    def reconcile(self) -> Ending:
        ending = self.controller.reconcile(self.target.pk)
        self.target.refresh_from_db()
        self.repository.refresh_from_db()
        return ending

    def git(self, *words: str, stdin: bytes | None = None) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.folder), "-c", "user.name=x", "-c", "user.email=x@y", *words],
            input=stdin,
            capture_output=True,
            env=git_environment(),
            check=True,
        )
        return done.stdout.decode()

    def files(self) -> dict[str, str]:
        """What the outside holds, read by the real git."""
        if subprocess.run(
            ["git", "-C", str(self.folder), "rev-parse", "--verify", "-q", "main"],
            capture_output=True,
            check=False,
        ).returncode:
            return {}
        names = self.git("ls-tree", "--name-only", "main").splitlines()
        return {name: self.git("cat-file", "blob", f"main:{name}") for name in names}

    def tip(self) -> str:
        return self.git("rev-parse", "main").strip()

    def write_tree(self, files: dict[bytes, bytes]) -> None:
        """A commit by hand of exactly these files; names as `git mktree` reads them, with their quotes."""
        lines = []
        for name, content in files.items():
            blob = self.git("hash-object", "-w", "--stdin", stdin=content).strip()
            lines.append(b"100644 blob %s\t%s\n" % (blob.encode(), name))
        tree = self.git("mktree", stdin=b"".join(lines)).strip()
        tip = self.git("rev-list", "--max-count=1", "--all").strip()
        parent = ["-p", tip] if tip else []
        commit = self.git("commit-tree", tree, *parent, "-m", "by hand").strip()
        self.git("update-ref", "refs/heads/main", commit)

    def somebody_writes(self, changes: dict[str, str | None], message: str = "by hand") -> str:
        """A commit by hand, as a person or ptt's own tool would make it."""
        files = self.files()
        parent = ["-p", self.tip()] if files else []
        files |= {name: content for name, content in changes.items() if content is not None}
        lines = []
        for name, content in files.items():
            if name in changes and changes[name] is None:
                continue
            blob = self.git("hash-object", "-w", "--stdin", stdin=content.encode()).strip()
            lines.append(f"100644 blob {blob}\t{name}\n")
        tree = self.git("mktree", stdin="".join(lines).encode()).strip()
        commit = self.git("commit-tree", tree, *parent, "-m", message).strip()
        self.git("update-ref", "refs/heads/main", commit)
        return commit
