"""Our side of the bench's git hosts: starting one, its address, and real git that talks to it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tenants.formats.sshkeys import new_ssh_key
from workers import ssh
from workers.repository.mirror import git_environment

ROOT = Path(__file__).resolve().parents[2]
ANSWER_SECONDS = 20
GIT_SECONDS = 300


class NoHost(Exception):
    """This kind of git host cannot run here; the message says why."""


class Host:
    """A git host on loopback in a process of its own. A context manager."""

    def __init__(self, kind: str, folder: Path, *, git_only: bool = False) -> None:
        self.kind, self.folder, self.git_only = kind, folder, git_only

    def __enter__(self) -> Self:
        words = [sys.executable, "-m", "tests.bench.host_process", self.kind, str(self.folder)]
        self._process = subprocess.Popen(
            words + ["--git-only"] * self.git_only,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            said = self._read()
            if "problem" in said:
                raise NoHost(said["problem"])
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.address, self.port = "127.0.0.1", int(said["port"])
        self.key, self.user, self._prefix = str(said["key"]), str(said["user"]), str(said["prefix"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise NoHost("the git host ended without a word")
        return json.loads(line)

    def _ask(self, line: str) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return int(self._read())

    def authorize(self, public_line: str) -> None:
        self._ask(f"authorize {public_line}")

    def commands_started(self) -> int:
        """How many commands clients have started here so far."""
        return self._ask("count")

    def path(self, name: str) -> str:
        """What a client calls the repository `name`."""
        return f"{self._prefix}{name}"

    def create_repository(self, name: str) -> Path:
        """A bare repository without sample hooks, with the settings that git gives it by itself."""
        path = self.folder / name
        words = ["git", "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(path)]
        subprocess.run(words, env=git_environment(), check=True, timeout=60)
        return path


def git(*words: str, folder: Path, stdin: bytes | None = None, **environment: str) -> bytes:
    """Run real git in `folder`; raises RuntimeError with what it complained."""
    done = subprocess.run(
        ["git", "-c", "gc.auto=0", "-c", "user.name=Bench", "-c", "user.email=bench@localhost", *words],
        cwd=folder,
        env={**git_environment(), **environment},
        input=stdin,
        capture_output=True,
        timeout=GIT_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"git {words[0]}: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


@dataclass
class Git:
    """Real git on a host, as a person would use it, with a key of its own.

    With `kept`, every command goes through one connection that stays open (OpenSSH's ControlMaster).
    """

    host: Host
    folder: Path
    kept: bool
    _master: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _sockets: str = field(default="", repr=False)
    _ssh: list[str] = field(default_factory=list, repr=False)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        private, public = new_ssh_key("bench")
        (self.folder / "key").touch(mode=0o600)
        (self.folder / "key").write_text(private)
        (self.folder / "known").write_text(f"[{self.host.address}]:{self.host.port} {self.host.key}\n")
        self.host.authorize(public)
        options = {
            "User": self.host.user,
            "Port": str(self.host.port),
            "IdentityFile": str(self.folder / "key"),
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": str(self.folder / "known"),
            "BatchMode": "yes",
            "ConnectTimeout": "10",
            "LogLevel": "ERROR",
        }
        if self.kept:
            # A socket's path must be short, whatever TMPDIR is.
            self._sockets = tempfile.mkdtemp(prefix="rk-", dir="/tmp")
            options["ControlPath"] = f"{self._sockets}/control"
        self._ssh = ["ssh", "-F", "none", *(f"-o{name}={value}" for name, value in options.items())]
        if self.kept:
            # Its own session: Ctrl-C is for the bench, which stops it in order.
            self._master = subprocess.Popen(
                [*self._ssh, "-M", "-N", self.host.address], stdin=subprocess.DEVNULL, start_new_session=True
            )
            check = [*self._ssh, "-O", "check", self.host.address]
            while subprocess.run(check, capture_output=True, check=False, timeout=10).returncode:
                if self._master.poll() is not None:
                    self.__exit__(None, None, None)
                    raise NoHost("OpenSSH's client could not connect")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._master is not None:
            self._master.terminate()
            try:
                self._master.wait(10)
            except subprocess.TimeoutExpired:  # it waits for the other side
                self._master.kill()
                self._master.wait()
        if self._sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def __call__(self, *words: str, folder: Path | None = None) -> bytes:
        return git(*words, folder=folder or self.folder, GIT_SSH_COMMAND=shlex.join(self._ssh))

    def url(self, name: str) -> str:
        return f"{self.host.address}:{self.host.path(name)}"


def endpoint(host: Host) -> ssh.SshEndpoint:
    """A way in of its own, for what is measured without Rookery."""
    private, public = new_ssh_key("bench")
    host.authorize(public)
    return ssh.SshEndpoint(host.address, host.port, host.user, private, pinned_key=host.key)


def start_host(kinds: Sequence[str], folder: Path, *, git_only: bool = False) -> tuple[Host, str]:
    """Enter the first of `kinds` that runs here; also says why those before it do not."""
    problems = []
    for kind in kinds:
        host = Host(kind, folder, git_only=git_only)
        try:
            host.__enter__()
            _try_out(host)
        except NoHost as error:
            problems.append(f"{kind}: {error}")
        except ssh.SshError as error:
            host.__exit__(None, None, None)
            problems.append(f"{kind}: {type(error).__name__}: {error}")
        else:
            return host, "; ".join(problems)
    raise NoHost("; ".join(problems))


def _try_out(host: Host) -> None:
    """An account without a shell, for one, can start sshd and never log in."""
    connection = ssh.connect(endpoint(host))
    try:
        if not host.git_only:
            connection.run("true")
    finally:
        connection.close()


def require_ssh() -> None:
    """Real git speaks SSH through OpenSSH's client."""
    path = os.environ.get("PATH", "")
    if not any((Path(each) / "ssh").exists() for each in path.split(":")):
        raise NoHost("The bench needs OpenSSH's client. On Debian: apt install openssh-client")
