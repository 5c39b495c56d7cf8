"""What the tests of name servers start from: zone.git on a real git host, and the sandbox's primary on it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tenants.formats.sshkeys import new_ssh_key
from tenants.formats.zones.keyfile import TsigKey
from tenants.formats.zones.names import Name
from tenants.formats.zones.zone_file import read_zone
from workers import ssh
from workers.repository import RemoteRepository
from workers.sandbox.git_host import GitHost
from workers.sandbox.listener import Console, LoopThread
from workers.sandbox.primary.server import Primary
from workers.zone import Server, key_of

PRIVATE, PUBLIC = new_ssh_key("primary")
ZONE = Name.of("example.org")
SECRET = base64.b64encode(b"a secret of thirty-two bytes, yes").decode()
OTHER_SECRET = base64.b64encode(b"another secret of enough bytes...").decode()
ROOT_KEY = key_of("panel._update", "SHA256", SECRET)
TEXT = """\
$ORIGIN example.org.
$TTL 3600
@ SOA ns1 hostmaster 7 86400 7200 1048576 3600
@ NS ns1
@ MX 10 mail
@ TXT "v=spf1 mx -all"
ns1 A 192.0.2.1
mail A 192.0.2.2
www CNAME mail
"""
ROOT_KEYS = f"panel._update. DNSKEY 0 3 163 {SECRET}\n"


def key_line(name: str, secret: str = SECRET, number: int = 163) -> str:
    return f"{name} DNSKEY 0 3 {number} {secret}\n"


def zone_key(name: str, algorithm: str = "SHA256", secret: str = SECRET) -> TsigKey:
    return key_of(name, algorithm, secret)


class ZoneGit:
    """A bare repository on the git host; `commit` puts exactly these files at the tip."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *words: str, stdin: bytes = b"") -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        done = subprocess.run(
            ["git", f"--git-dir={self.path}", *words],
            input=stdin,
            capture_output=True,
            check=True,
            env=environment,
            timeout=30,
        )
        return done.stdout.decode()

    def commit(self, files: Mapping[str, str | bytes], *, when: int | None = None) -> str:
        """On top of what is there; `when` in seconds. Returns its id."""
        stamp = int(time.time()) if when is None else when
        head = [f"commit refs/heads/main\ncommitter panel <p@example.org> {stamp} +0000\ndata 1\nx".encode()]
        tip = self.tip()
        if tip:
            head.append(f"from {tip}".encode())
        stream = [b"\n".join(head), b"\ndeleteall\n"]
        for name, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (json.dumps(name).encode(), len(raw), raw))
        self.git("fast-import", "--quiet", "--force", stdin=b"".join(stream))
        return self.tip()

    def tip(self) -> str:
        return self.git("for-each-ref", "--format=%(objectname)", "refs/heads/main").strip()

    def names(self) -> set[str]:
        return set(self.git("ls-tree", "--name-only", "main").splitlines())

    def show(self, name: str, commit: str = "main") -> str:
        return self.git("show", f"{commit}:{name}")

    def serial(self, zone: Name = ZONE) -> int:
        return read_zone(self.show(zone.short).encode(), zone).soa.serial

    def last(self, form: str) -> str:
        """The newest commit, in git's pretty format."""
        return self.git("log", "-1", f"--format={form}", "main").strip()

    def allow_rewriting(self) -> None:
        """As `git init --bare` leaves it."""
        self.git("config", "receive.denyNonFastForwards", "false")


class RunningPrimary:
    """The sandbox's primary in a loop of its own, and where it answers."""

    def __init__(self, primary: Primary, loop: LoopThread, repository: ZoneGit, host: GitHost) -> None:
        self.primary, self._loop, self.repository, self.host = primary, loop, repository, host

    @property
    def server(self) -> Server:
        return Server(self.primary.host, self.primary.port)

    @property
    def pulls(self) -> int:
        return self.primary.heard_pulls

    def restart(self) -> dict[str, object]:
        return self._loop.call(self.primary.restart())

    def console(self) -> str:
        return "\n".join(self.primary.console.lines())


@contextmanager
def running_primary(
    folder: Path,
    files: Mapping[str, str | bytes] | None,
    *,
    open_transfers: bool = False,
    clock_ahead: float = 0.0,
) -> Iterator[RunningPrimary]:
    """A git host with zone.git, filled with `files` (None: the branch does not exist), and a primary."""
    with GitHost(folder / "host", "127.0.71.1") as host:
        host.authorize(PUBLIC)
        repository = ZoneGit(host.create_repository("zone.git"))
        if files is not None:
            repository.commit(files)
        endpoint = ssh.SshEndpoint(
            host.host, host.port, "git", PRIVATE, pinned_key=host.public_key, connect_timeout=5, timeout=5
        )
        primary = Primary(
            host="127.0.71.4",
            port=0,
            remote=RemoteRepository(endpoint, "zone.git", "main"),
            folder=folder / "clone",
            console=Console("primary"),
            open_transfers=open_transfers,
            clock=lambda: time.time() + clock_ahead,
        )
        loop = LoopThread()
        loop.start()
        try:
            loop.call(primary.restart())
            yield RunningPrimary(primary, loop, repository, host)
        finally:
            loop.call(primary.stop())
            loop.stop()
