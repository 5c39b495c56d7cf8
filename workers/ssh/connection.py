"""One SSH connection: host key compared before anything of ours is sent, then any number of commands.

The socket gets TCP_NODELAY: without it every command waits some 40 ms for an acknowledgement that the
other side delays.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import paramiko
from paramiko.common import OPEN_FAILED_CONNECT_FAILED

from tenants.formats.text import printable
from workers.ssh.endpoint import (
    AuthenticationRefused,
    CommandFailed,
    HostKeyChanged,
    HostKeyUnknown,
    NotForwarded,
    PortClosed,
    ProtocolError,
    SshEndpoint,
    TooManyChannels,
    Unreachable,
)

Dial = Callable[[str, int, float], socket.socket]
KEEPALIVE_SECONDS = 30
STDERR_LIMIT = 8_192
_RSA = ("rsa-sha2-512", "rsa-sha2-256")


@dataclass(frozen=True)
class Result:
    """What a command printed, and how it ended."""

    status: int
    stdout: bytes = field(repr=False)
    stderr: str


def dial(host: str, port: int, timeout: float) -> socket.socket:
    return socket.create_connection((host, port), timeout)


def connect(endpoint: SshEndpoint, *, dialer: Dial = dial) -> Connection:
    """Connect, compare the host key, authenticate. Raises Unreachable, HostKeyUnknown, HostKeyChanged,
    AuthenticationRefused or ProtocolError; of the first three nothing but our greeting was sent."""
    try:
        sock = dialer(endpoint.host, endpoint.port, endpoint.connect_timeout)
    except OSError as error:
        raise Unreachable(f"port {endpoint.port}: {error.strerror or type(error).__name__}") from error
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # A kept connection whose other side has gone without a word is noticed by the next keepalive.
            unanswered = int(endpoint.timeout * 1000)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, unanswered)
        transport = paramiko.Transport(sock)
    except (OSError, paramiko.SSHException, EOFError) as error:
        sock.close()
        raise Unreachable(_said(error)) from error
    try:
        _open(transport, endpoint)
    except BaseException:
        transport.close()
        raise
    return Connection(transport, endpoint)


def _open(transport: paramiko.Transport, endpoint: SshEndpoint) -> None:
    transport.banner_timeout = endpoint.connect_timeout
    transport.auth_timeout = endpoint.connect_timeout
    if endpoint.pinned_key:
        kind = endpoint.pinned_key.split()[0]
        wanted = _RSA if kind == "ssh-rsa" else (kind,)
        known = [name for name in wanted if name in transport.get_security_options().key_types]
        # Ask for the kind that we know; a host that has no such key any more shows what it has.
        others = [name for name in transport.get_security_options().key_types if name not in known]
        transport.get_security_options().key_types = (*known, *others)
    try:
        transport.start_client(timeout=endpoint.connect_timeout)
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise ProtocolError(f"no common algorithm: {_said(error)}") from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise Unreachable(f"no SSH greeting: {_said(error)}") from error
    _compare_host_key(transport, endpoint)
    try:
        key = paramiko.Ed25519Key.from_private_key(io.StringIO(endpoint.private_key))
    except (paramiko.SSHException, ValueError) as error:
        raise ProtocolError("our own private key cannot be read") from error
    try:
        transport.auth_publickey(endpoint.username, key)
    except paramiko.AuthenticationException as error:
        # The library says the same when the connection is cut or nobody answers.
        if not transport.is_active() or "timeout" in str(error).lower():
            raise Unreachable("the connection ended while we signed in; is our key authorized?") from error
        raise AuthenticationRefused("the key was not accepted") from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise Unreachable(f"the connection broke while we signed in: {_said(error)}") from error
    transport.set_keepalive(KEEPALIVE_SECONDS)


def _compare_host_key(transport: paramiko.Transport, endpoint: SshEndpoint) -> None:
    try:
        shown = transport.get_remote_server_key()
    except paramiko.SSHException as error:
        raise Unreachable("the connection ended before the host showed its key") from error
    line = f"{shown.get_name()} {shown.get_base64()}"
    if not endpoint.pinned_key:
        raise HostKeyUnknown(line)
    if line.split() != endpoint.pinned_key.split()[:2]:
        raise HostKeyChanged(line, endpoint.pinned_key)


def _said(error: BaseException) -> str:
    return printable(str(error) or type(error).__name__, 200)


class Channel:
    """One running remote command; every operation has the endpoint's timeout."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    def read(self, size: int) -> bytes:
        """Up to `size` bytes of stdout; b"" at its end. Raises Unreachable after the timeout."""
        try:
            return self._channel.recv(size)
        except TimeoutError as error:
            raise Unreachable("no answer in time") from error
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise Unreachable(_said(error)) from error

    def read_exactly(self, size: int) -> bytes:
        """Exactly `size` bytes; raises Unreachable when the stream ends before."""
        parts: list[bytes] = []
        while size:
            part = self.read(min(size, 65_536))
            if not part:
                raise Unreachable("the connection ended in the middle of an answer")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def write(self, data: bytes) -> None:
        try:
            self._channel.sendall(data)
        except TimeoutError as error:
            raise Unreachable("it stopped taking data") from error
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise Unreachable(_said(error)) from error

    def read_within(self, size: int, timeout: float) -> bytes:
        """As a socket's `recv`, with a time of its own: raises TimeoutError, and OSError when it broke."""
        self._channel.settimeout(max(timeout, 0.001))
        return self._channel.recv(size)

    def write_within(self, data: bytes, timeout: float) -> None:
        """As a socket's `sendall`: raises TimeoutError, and OSError when the other side takes no more."""
        self._channel.settimeout(max(timeout, 0.001))
        self._channel.sendall(data)

    def fileno(self) -> int:
        """For `select`: readable when there is output to read, or it ended."""
        return self._channel.fileno()

    def finish_writing(self) -> None:
        """Tell the command that there is no more to read.

        The library makes that message under the channel's lock and sends it afterwards. If the command ends
        in between, the library answers the host's CLOSE first, and OpenSSH, which then hears of a channel
        that is gone, hangs up for every command on the connection. So it is sent under the lock, too.
        """
        try:
            with self._channel.lock:
                message = self._channel._send_eof()  # type: ignore[attr-defined]
                if message is not None:
                    self._channel.transport._send_user_message(message)  # type: ignore[union-attr]
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise Unreachable(_said(error)) from error

    def stderr(self) -> str:
        """What the command complained about so far, bounded and safe to show."""
        parts: list[bytes] = []
        while self._channel.recv_stderr_ready() and sum(map(len, parts)) < STDERR_LIMIT:
            parts.append(self._channel.recv_stderr(STDERR_LIMIT))
        return printable(b"".join(parts)[:STDERR_LIMIT].strip(), 500)

    @property
    def has_ended(self) -> bool:
        """Did the command's own exit status arrive? When a connection breaks, none does."""
        return self._channel.status_event.is_set() and self._channel.recv_exit_status() >= 0

    def status(self, timeout: float) -> int:
        """The exit status; raises Unreachable when it does not come within `timeout` seconds."""
        if not self._channel.status_event.wait(timeout):
            raise Unreachable("the command did not end in time")
        return int(self._channel.recv_exit_status())

    def close(self) -> None:
        """Hang up; saying so to a connection that is gone already is no error."""
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Connection:
    """An authenticated connection; several channels may be open at once."""

    def __init__(self, transport: paramiko.Transport, endpoint: SshEndpoint) -> None:
        self._transport = transport
        self.endpoint = endpoint
        self.last_used = time.monotonic()

    @property
    def alive(self) -> bool:
        return self._transport.is_active() and self._transport.is_authenticated()

    def open(self, command: str) -> Channel:
        """Start a remote command. Raises TooManyChannels, or Unreachable after which it is closed."""
        self.last_used = time.monotonic()
        try:
            channel: Any = self._transport.open_session(timeout=self.endpoint.connect_timeout)
        except (paramiko.SSHException, EOFError, OSError) as error:
            # The library keeps one error per connection: of two refused at once, one hears no reason.
            if isinstance(error, paramiko.ChannelException) or "Unable to open channel" in str(error):
                raise TooManyChannels(f"it runs no more commands at once: {_said(error)}") from error
            self.close()
            raise Unreachable(f"no command could be started: {_said(error)}") from error
        try:
            channel.settimeout(self.endpoint.timeout)
            with self._ended_after(self.endpoint.timeout):
                channel.exec_command(command)
        except (paramiko.SSHException, EOFError, OSError) as error:
            self.close()
            raise Unreachable(f"no command could be started: {_said(error)}") from error
        return Channel(channel)

    def forward(self, address: str, port: int, timeout: float) -> Channel:
        """Be led to a TCP port that the host reaches (RFC 4254 §7.2). Raises NotForwarded where the host does
        that for nobody, PortClosed, or Unreachable after which the connection is closed."""
        self.last_used = time.monotonic()
        try:
            channel = self._transport.open_channel(
                "direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=timeout
            )
        except paramiko.ChannelException as error:
            if error.code == OPEN_FAILED_CONNECT_FAILED:
                raise PortClosed("nobody took the connection") from error
            raise NotForwarded(_said(error)) from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            # The library keeps one error per connection: of two refused at once, one hears no reason.
            if "Unable to open channel" in str(error):
                raise NotForwarded(_said(error)) from error
            if self.alive and "timeout" in str(error).lower():
                raise PortClosed("no answer in time") from error
            self.close()
            raise Unreachable(f"no port could be opened: {_said(error)}") from error
        channel.settimeout(self.endpoint.timeout)
        return Channel(channel)

    @contextmanager
    def _ended_after(self, seconds: float) -> Iterator[None]:
        """For what the library waits for without end: hang up when it takes too long."""
        alarm = threading.Timer(seconds, self.close)
        alarm.daemon = True
        alarm.start()
        try:
            yield
        finally:
            alarm.cancel()

    def run(self, command: str, stdin: bytes = b"", *, limit: int = 1 << 20) -> Result:
        """Run a command to its end; raises CommandFailed for a bad status, ProtocolError beyond `limit`."""
        with self.open(command) as channel:
            try:
                if stdin:
                    channel.write(stdin)
                channel.finish_writing()
            except Unreachable:
                # It may have ended before it read all of that: then what it said of it is worth more.
                if not channel.has_ended:
                    raise
            output = bytearray()
            while part := channel.read(65_536):
                output += part
                if len(output) > limit:
                    raise ProtocolError(f"the answer is longer than {limit} bytes")
            status = channel.status(self.endpoint.timeout)
            complaint = channel.stderr()
        if status:
            raise CommandFailed(status, complaint)
        return Result(status, bytes(output), complaint)

    def close(self) -> None:
        self._transport.close()
