"""Albatross's sockets on another machine, and ports that it reaches, through kept SSH connections.

Each command runs a small program there that joins the socket with its own input and output. So it also works
where the host's sshd forwards no sockets, and needs nothing but what Debian installs anyway.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from pathlib import PurePosixPath

from workers.albatross.der_write import Parts
from workers.albatross.errors import NotPermitted, Unreachable
from workers.albatross.grammar.envelope import Request
from workers.albatross.services import service_of
from workers.ssh import (
    AuthenticationRefused,
    Channel,
    ConnectionPool,
    HostKeyUnknown,
    NotForwarded,
    PortClosed,
    SshEndpoint,
    SshError,
)

FOLDER = PurePosixPath("/run/albatross")
_READY = b"joined\n"
_MOST_GREETING = 4096
_RECEIVE = 65_536
_PART = 65_536
# It says when it is joined: a refused socket is then told apart from a daemon that closed at once.
_PERL = r"""
use IO::Socket::UNIX; use IO::Socket::INET; use IO::Select;
my $s = IO::Socket::%s or do { print STDERR "$!\n"; exit 3 };
$| = 1; syswrite STDOUT, "joined\n"; my $b;
my $all = IO::Select->new($s, \*STDIN);
sub put { my ($to, $b) = @_; my $at = 0;
  while ($at < length $b) {
    my $n = syswrite($to, $b, length($b) - $at, $at); exit 0 unless defined $n; $at += $n } }
while (1) { for my $from ($all->can_read) {
  my $n = sysread($from, $b, 65536);
  if (!$n) { exit 0 if $from == $s; $all->remove($from); exit 0 }
  put($from == $s ? \*STDOUT : $s, $b) } }
"""
_PYTHON = r"""
import os,select,socket,sys
try: s=socket.%s; s.settimeout(None)
except OSError as e: sys.exit(e.strerror)
def put(f,b):
    while b: b=b[f(b):]
put(lambda b:os.write(1,b),b"joined\n")
while 1:
    for f in select.select([0,s],[],[])[0]:
        b=s.recv(65536) if f is s else os.read(0,65536)
        if not b: sys.exit(0)
        put((lambda b:os.write(1,b)) if f is s else s.send,b)
"""


# How each opens the other side: a socket's path, or address, port and seconds.
_TO_PATH = ("UNIX->new(Peer => $ARGV[0])", "socket(socket.AF_UNIX); s.connect(sys.argv[1])")
_TO_PORT = (
    "INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => $ARGV[2])",
    "create_connection((sys.argv[1],int(sys.argv[2])),float(sys.argv[3]))",
)


def bridge_command(path: PurePosixPath) -> str:
    """The line for a POSIX shell on the host that joins one of its sockets."""
    return _bridge(_TO_PATH, str(path))


def port_command(address: IPv4Address, port: int, seconds: float) -> str:
    """The line for a POSIX shell on the host that joins a TCP port which the host can reach."""
    return _bridge(_TO_PORT, str(address), str(port), str(max(1, round(seconds))))


def _bridge(ways: tuple[str, str], *given: str) -> str:
    perl, python = shlex.quote(_PERL % ways[0]), shlex.quote(_PYTHON % ways[1])
    words = shlex.join(given)
    return (
        f"if command -v perl >/dev/null 2>&1; then exec perl -e {perl} {words}; "
        f"elif command -v python3 >/dev/null 2>&1; then exec python3 -c {python} {words}; "
        "else echo 'neither perl nor python3 is installed' >&2; exit 127; fi"
    )


class SshDialer:
    """A way to a host by SSH: as a user who may open albatross's sockets."""

    def __init__(self, pool: ConnectionPool, endpoint: SshEndpoint, folder: PurePosixPath = FOLDER) -> None:
        self._pool, self._endpoint, self._folder = pool, endpoint, folder

    def dial(self, request: Request, timeout: float) -> SshConnection:
        """Join the socket of the daemon that takes this command. Raises NotPermitted, Unreachable, and what
        SSH raises for a host key that is not the pinned one; nothing was sent then."""
        path = self._folder / "util" / f"{service_of(request.command).value}.sock"
        return self._joined(bridge_command(path), str(path), timeout)

    def dial_port(self, address: IPv4Address, port: int, timeout: float) -> SshConnection:
        """Reach a TCP port as the host does: through its sshd, or where that forwards nothing, joined like a
        socket. Raises what `dial` raises."""
        what = f"port {port} of {address}"
        with _in_words(), ExitStack() as stack:
            try:
                connection = stack.enter_context(self._pool.connection(self._endpoint))
                channel = stack.enter_context(connection.forward(str(address), port, timeout))
                return SshConnection(channel, b"", stack.pop_all())
            except NotForwarded:
                reason = ""
            except PortClosed as problem:
                reason = str(problem)
        if reason:
            raise _not_joined(what, reason)
        return self._joined(port_command(address, port, timeout), what, timeout + 1)

    def _joined(self, command: str, what: str, timeout: float) -> SshConnection:
        with _in_words(), ExitStack() as stack:
            connection = stack.enter_context(self._pool.connection(self._endpoint))
            channel = stack.enter_context(connection.open(command))
            greeting = _greeting(channel, what, timeout)
            if greeting is not None:
                return SshConnection(channel, greeting, stack.pop_all())
            complaint = channel.stderr() or "the host ran nothing for us"
        # The program ended by itself: the connection stays good for others.
        raise _not_joined(what, complaint)


@contextmanager
def _in_words() -> Iterator[None]:
    """What SSH raises, as this package says it."""
    try:
        yield
    except AuthenticationRefused as problem:
        raise NotPermitted(str(problem), "Add Rookery's key to the account on the host.") from None
    except HostKeyUnknown:
        raise  # a person must look at it
    except SshError as problem:
        raise Unreachable(str(problem)) from None


class SshConnection:
    """A joined socket. The SSH connection goes back to its pool when it is closed."""

    carried = False

    def __init__(self, channel: Channel, early: bytes, borrowed: ExitStack) -> None:
        self._channel, self._early, self._borrowed = channel, early, borrowed

    def send(self, parts: Parts, timeout: float) -> None:
        """Send all parts, each whole or in pieces that a window takes."""
        for part in parts:
            view = memoryview(part).cast("B")
            for at in range(0, len(view), _PART):
                self._channel.write_within(bytes(view[at : at + _PART]), timeout)

    def receive(self, timeout: float) -> bytes:
        if self._early:
            early, self._early = self._early, b""
            return early
        return self._channel.read_within(_RECEIVE, timeout)

    def fileno(self) -> int:
        return self._channel.fileno()

    def close(self) -> None:
        self._borrowed.close()


def _greeting(channel: Channel, what: str, timeout: float) -> bytes | None:
    """What came after the mark that the socket is joined; None when the program ended before it."""
    came = b""
    while _READY not in came:
        try:
            part = channel.read_within(_MOST_GREETING, timeout)
        except TimeoutError:
            raise Unreachable(f"the host did not open {what} in time") from None
        except OSError as problem:
            raise Unreachable(f"the connection broke: {problem}") from None
        if not part or len(came) > _MOST_GREETING:
            return None
        came += part
    # A shell's start-up files may have printed something before.
    return came.split(_READY, 1)[1]


def _not_joined(what: str, complaint: str) -> Unreachable:
    if re.search(r"permission denied", complaint, re.IGNORECASE):
        return NotPermitted(f"this account may not open {what} on the host")
    return Unreachable(f"{what} on the host: {complaint[:200]}")
