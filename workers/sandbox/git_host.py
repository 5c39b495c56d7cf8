"""A git host for the sandbox: a real SSH server around the real git programs, on a loopback address.

Only `git-upload-pack` and `git-receive-pack` run, on repositories inside one folder, for keys that were
authorized; with `shell` a command line runs in a plain POSIX shell too, as on a host of one's own. `Fault`
makes it misbehave for tests.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_RESOURCE_SHORTAGE,
    OPEN_SUCCEEDED,
)

from tenants import keys
from tenants.formats.sshkeys import new_ssh_key
from workers.repository.mirror import git_environment
from workers.sandbox.listener import loopback

PROGRAMS = {"git-upload-pack", "git-receive-pack"}
COMMAND_LIMIT = 100_000
CONNECTIONS_AT_MOST = 64
IDLE_SECONDS = 600.0


@dataclass
class Fault:
    """How to misbehave. `after` counts bytes that the client sent to the program."""

    refuse_keys: bool = False
    cut_after: int | None = None
    hang_after: int | None = None
    cut_before_answer: bool = False


class GitHost:
    """Start it and it serves until `stop`; no child process outlives it. Also a context manager."""

    def __init__(self, folder: Path, host: str, port: int = 0, *, shell: bool = False) -> None:
        self.folder = folder
        self.shell = shell
        self.fault = Fault()
        self.commands_at_most = 100
        self.patience = 0.0
        """Seconds that a key which is not known may take to be added."""
        self._host = loopback(host)
        self._wanted_port = port
        self._listener: socket.socket | None = None
        self._connections: set[_Session] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._key = self._read_or_make_key()

    # identity -------------------------------------------------------------------------------------

    def _key_file(self) -> Path:
        return self.folder / ".ssh_host_ed25519_key"

    def _read_or_make_key(self) -> paramiko.Ed25519Key:
        path = self._key_file()
        if not path.exists():
            keys.write_once(path, new_ssh_key("git host of the sandbox")[0])
        return paramiko.Ed25519Key.from_private_key_file(str(path))

    def change_host_key(self) -> None:
        """As if somebody had set the machine up again."""
        self._key_file().unlink()
        self._key = self._read_or_make_key()
        self.drop_connections()

    @property
    def host(self) -> str:
        return self._host

    @property
    def port(self) -> int:
        if self._listener is None:
            raise RuntimeError("the git host is not started")
        return int(self._listener.getsockname()[1])

    @property
    def public_key(self) -> str:
        return f"{self._key.get_name()} {self._key.get_base64()}"

    @property
    def host_key(self) -> paramiko.PKey:
        return self._key

    # the administrator's side ---------------------------------------------------------------------

    def authorize(self, public_line: str) -> None:
        """Let this public key in; the same again changes nothing."""
        wanted = " ".join(public_line.split()[:2])
        if wanted not in self.authorized():
            with (self.folder / ".authorized_keys").open("a") as file:
                file.write(wanted + "\n")

    def lets_in(self, public_line: str) -> bool:
        """Is the key authorized, or within the host's patience?"""
        deadline = time.monotonic() + self.patience
        while public_line not in self.authorized():
            if time.monotonic() >= deadline or self._stopping.wait(0.05):
                return False
        return True

    def authorized(self) -> set[str]:
        path = self.folder / ".authorized_keys"
        return set(path.read_text().splitlines()) if path.exists() else set()

    def create_repository(self, name: str, branch: str = "main") -> Path:
        """A bare repository that refuses rewritten history; the same again changes nothing."""
        path = self.resolve(name)
        if path is None:
            raise ValueError(f"{name!r} is not inside the git host's folder")
        if not (path / "HEAD").exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            for words in (
                ["init", "--quiet", "--bare", f"--initial-branch={branch}", str(path)],
                ["-C", str(path), "config", "receive.denyNonFastForwards", "true"],
            ):
                subprocess.run(["git", *words], env=git_environment(), check=True, timeout=30)  # noqa: S603, S607
        return path

    def resolve(self, name: str) -> Path | None:
        """The repository that a client means, or None outside our folder."""
        path = (self.folder / name.lstrip("/")).resolve()
        return path if path.is_relative_to(self.folder.resolve()) and path != self.folder.resolve() else None

    # life -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._wanted_port))
            listener.listen(32)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self._stopping.clear()
        threading.Thread(target=self._accept, args=(listener,), daemon=True, name="git-host").start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                if len(self._connections) >= CONNECTIONS_AT_MOST:
                    client.close()
                    continue
                session = _Session(self, client)
                self._connections.add(session)
            threading.Thread(target=self._serve, args=(session,), daemon=True, name="git-session").start()

    def _serve(self, session: _Session) -> None:
        try:
            session.serve()
        finally:
            session.close()
            with self._lock:
                self._connections.discard(session)

    def drop_connections(self) -> None:
        """Hang up on everybody, as a reboot does."""
        with self._lock:
            sessions = list(self._connections)
        for session in sessions:
            session.close()

    def stop(self) -> None:
        """Stop listening, hang up, end every child. May be called twice."""
        self._stopping.set()
        if self._listener is not None:
            # Closing alone does not wake a thread that waits in accept().
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.drop_connections()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(paramiko.ServerInterface):
    """Public keys only, `exec` only."""

    def __init__(self, host: GitHost, session: _Session) -> None:
        self._host = host
        self._session = session

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        del username
        if self._host.fault.refuse_keys:
            return AUTH_FAILED
        known = self._host.lets_in(f"{key.get_name()} {key.get_base64()}")
        return AUTH_SUCCESSFUL if known else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del chanid
        if self._session.running >= self._host.commands_at_most:
            return OPEN_FAILED_RESOURCE_SHORTAGE
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if len(command) > COMMAND_LIMIT:
            return False
        self._session.start(channel, command.decode("utf-8", "replace"))
        return True


class _Session:
    """One client connection and the programs that it started."""

    def __init__(self, host: GitHost, client: socket.socket) -> None:
        self._host = host
        self._client = client
        self._transport: paramiko.Transport | None = None
        self._children: set[subprocess.Popen[bytes]] = set()
        self._workers: list[threading.Thread] = []

    @property
    def running(self) -> int:
        return sum(worker.is_alive() for worker in self._workers)

    def start(self, channel: paramiko.Channel, command: str) -> None:
        """Run a command in a thread of its own, which `close` waits for."""
        worker = threading.Thread(target=self.run, args=(channel, command), daemon=True, name="git-command")
        # Only one that was started can be waited for.
        worker.start()
        self._workers = [each for each in self._workers if each.is_alive()] + [worker]

    def serve(self) -> None:
        try:
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport = paramiko.Transport(self._client)
        except (OSError, paramiko.SSHException, EOFError):
            return
        self._transport = transport
        transport.add_server_key(self._host.host_key)
        with suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(server=_Server(self._host, self))
            transport.join(IDLE_SECONDS)

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._client.close()
        for child in list(self._children):
            _end(child)

    def close(self) -> None:
        """Hang up and wait until every program has ended."""
        self.hang_up()
        for worker in self._workers:
            worker.join(5)

    # one command ----------------------------------------------------------------------------------

    def run(self, channel: paramiko.Channel, command: str) -> None:
        # The answer that the command was accepted leaves after this thread was started; nothing may
        # close the channel before it.
        time.sleep(0.005)
        words = self._words(command)
        if words is None:
            with suppress(OSError, EOFError, paramiko.SSHException):
                channel.sendall_stderr(b"fatal: only git may be run here, on repositories that exist\n")
                channel.send_exit_status(128)
                channel.close()
            return
        environment = {**git_environment(), "HOME": str(self._host.folder)}
        child = subprocess.Popen(  # noqa: S603 - a git program, or the shell where it is allowed
            words,
            cwd=self._host.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._children.add(child)
        spoken = threading.Event()
        helpers = (
            threading.Thread(target=self._feed, args=(channel, child, spoken), daemon=True),
            threading.Thread(target=_copy_stderr, args=(child, channel), daemon=True),
        )
        try:
            for helper in helpers:
                helper.start()
            self._answer(child, channel, spoken, helpers[1])
        finally:
            with suppress(OSError, EOFError, paramiko.SSHException):
                channel.close()
            _end(child)
            self._children.discard(child)
            for helper in helpers:
                helper.join(5)
            for pipe in (child.stdin, child.stdout, child.stderr):
                with suppress(OSError, ValueError):
                    if pipe is not None:
                        pipe.close()

    def _words(self, command: str) -> list[str] | None:
        try:
            words = shlex.split(command)
        except ValueError:
            return None
        if len(words) == 2 and words[0] in PROGRAMS:
            path = self._host.resolve(words[1])
            if path is None or not (path / "HEAD").exists():
                return None
            return ["git", words[0].removeprefix("git-"), str(path)]
        return ["/bin/sh", "-c", command] if self._host.shell else None

    def _feed(
        self, channel: paramiko.Channel, child: subprocess.Popen[bytes], spoken: threading.Event
    ) -> None:
        """Client → program, with the faults that were asked for."""
        assert child.stdin is not None  # noqa: S101 - it is a pipe
        fault, total = self._host.fault, 0
        with suppress(OSError, EOFError, ValueError, paramiko.SSHException):
            while data := channel.recv(65_536):
                total += len(data)
                spoken.set()
                if fault.hang_after is not None and total > fault.hang_after:
                    return
                if fault.cut_after is not None and total > fault.cut_after:
                    self.hang_up()
                    return
                child.stdin.write(data)
                child.stdin.flush()
        with suppress(OSError, ValueError):
            child.stdin.close()

    def _answer(
        self,
        child: subprocess.Popen[bytes],
        channel: paramiko.Channel,
        spoken: threading.Event,
        complainer: threading.Thread,
    ) -> None:
        """Program → client, then the exit status."""
        assert child.stdout is not None  # noqa: S101 - it is a pipe
        with suppress(OSError, EOFError, ValueError, paramiko.SSHException):
            while data := os.read(child.stdout.fileno(), 65_536):
                if spoken.is_set() and self._host.fault.cut_before_answer:
                    self.hang_up()
                    break
                channel.sendall(data)
        complainer.join(5)
        status = child.wait(30)
        with suppress(OSError, EOFError, paramiko.SSHException):
            channel.send_exit_status(status if status >= 0 else 255)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the program with whatever it started, and wait for it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        child.wait(10)


def _copy_stderr(child: subprocess.Popen[bytes], channel: paramiko.Channel) -> None:
    assert child.stderr is not None  # noqa: S101 - it is a pipe
    with suppress(OSError, EOFError, ValueError, paramiko.SSHException):
        while data := os.read(child.stderr.fileno(), 8_192):
            channel.sendall_stderr(data)
