"""One client of the sandbox's git host: its sign-in, the programs that it started, and its ports."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_CONNECT_FAILED,
    OPEN_FAILED_RESOURCE_SHORTAGE,
    OPEN_SUCCEEDED,
)

from workers.repository.mirror import git_environment
from workers.sandbox.authorized_keys import FREE
from workers.sandbox.tunnels import Tunnels

if TYPE_CHECKING:
    from workers.sandbox.git_host import GitHost

PROGRAMS = {"git-upload-pack", "git-receive-pack"}
COMMAND_LIMIT = 100_000
IDLE_SECONDS = 600.0
_LOOK_SECONDS = 0.5


class _Server(paramiko.ServerInterface):
    """Public keys only; `exec`, and ports where the host has some."""

    def __init__(self, host: GitHost, session: Session) -> None:
        self._host = host
        self._session = session

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        del username
        if self._host.fault.refuse_keys:
            return AUTH_FAILED
        grant = self._host.granted(f"{key.get_name()} {key.get_base64()}")
        if grant is None:
            return AUTH_FAILED
        self._session.grant = grant
        return AUTH_SUCCESSFUL

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

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        """Opened to wherever the host says that this address is, for keys that may."""
        del origin
        reach = self._host.reach
        place = reach(*destination) if reach is not None and self._session.grant.ports else None
        if place is None:
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        return OPEN_SUCCEEDED if self._session.tunnels.open(chanid, place) else OPEN_FAILED_CONNECT_FAILED


class Session:
    """One client connection and the programs that it started."""

    def __init__(self, host: GitHost, client: socket.socket) -> None:
        self.grant = FREE
        self.tunnels = Tunnels()
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
            until, channels = time.monotonic() + IDLE_SECONDS, list[paramiko.Channel]()
            while transport.is_active() and time.monotonic() < until:
                opened = transport.accept(_LOOK_SECONDS)
                if opened is not None:
                    # One that nobody holds would be closed.
                    channels = [each for each in channels if not each.closed] + [opened]
                    self.tunnels.take(opened)

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._client.close()
        self.tunnels.close()
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
        environment = {**git_environment(), "HOME": str(self._host.folder), "SSH_ORIGINAL_COMMAND": command}
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
        if self.grant.command:
            return ["/bin/sh", "-c", self.grant.command]
        try:
            words = shlex.split(command)
        except ValueError:
            return None
        if len(words) == 2 and words[0] in PROGRAMS:
            path = self._host.repository(words[1])
            if path is None:
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
