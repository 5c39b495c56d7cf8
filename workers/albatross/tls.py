"""Albatross's TLS endpoint: one connection per command, which travels inside the client's certificate.

After the handshake only contents are sent: an image, or what goes into a block volume. A certificate that the
endpoint does not like shows as an alert at the first read, a command that it does not like as a close.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic

from workers.albatross import commands as c
from workers.albatross.certificates import Authority, Credentials, below, mint
from workers.albatross.der_write import Parts
from workers.albatross.errors import NotPermitted, NotSendable, NotTrusted, Unreachable
from workers.albatross.grammar.envelope import Request
from workers.albatross.names import Name
from workers.albatross.releases import Dialect
from workers.albatross.values import QuotaPolicy

PORT = 1025
_RECEIVE = 65_536
_USE_SSH = "Connect this host by SSH or its local socket, or update albatross to 2.5 or newer."
_ALERTS = {
    "CERTIFICATE_EXPIRED": (
        "the host says that our certificate has expired.",
        "It was made a moment ago: compare the clocks of the host and of this machine.",
    ),
    "UNKNOWN_CA": (
        "the host does not know the authority that signed our certificate.",
        "Give Rookery the CA that the host's endpoint was started with, or an intermediate signed by it.",
    ),
    "PROTOCOL_VERSION": ("the host does not take TLS 1.3.", "Is this albatross-tls-endpoint?"),
}
_BAD_CERTIFICATE = (
    "the host does not accept our certificate.",
    "Give Rookery the CA that the host's endpoint was started with, or an intermediate signed by it.",
)

Dial = Callable[[tuple[str, int], float], socket.socket]
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class TlsEndpoint:
    """Where the endpoint listens, and the CA (PEM) that its own certificate must come from. As with
    albatross's own client, no host name is compared: the CA is the host's own."""

    host: str
    server_ca: str
    port: int = PORT


def _now() -> datetime:
    return datetime.now(UTC)


class TlsDialer:
    """A way to a host by its TLS endpoint.

    With the host's CA as `authority`, an intermediate is minted for each path on the way to a name; it sets
    the path's policy out of `policies` again, which must cover what runs there (see `quota.covering`).
    """

    def __init__(
        self,
        endpoint: TlsEndpoint,
        authority: Authority,
        dialect: Dialect,
        policies: Mapping[Name, QuotaPolicy] | None = None,
        *,
        dial: Dial = socket.create_connection,
        clock: Clock = _now,
    ) -> None:
        self._endpoint, self._authority, self._dialect = endpoint, authority, dialect
        self._policies = policies or {}
        self._dial, self._clock = dial, clock

    def dial(self, request: Request, timeout: float) -> TlsConnection:
        """Present a certificate with this command. Raises NotSendable, CertificateError, Unreachable and
        NotTrusted; the command did not reach the host then."""
        carried = _carried(request, self._dialect)
        now = self._clock()
        credentials = mint(self._authority_for(request.header.name, now), carried, now=now)
        context = _context(self._endpoint.server_ca, credentials)
        until = monotonic() + timeout
        try:
            plain = self._dial((self._endpoint.host, self._endpoint.port), timeout)
        except OSError as problem:
            words = problem.strerror or type(problem).__name__
            raise Unreachable(f"port {self._endpoint.port}: {words}", _HINT) from None
        try:
            plain.settimeout(max(until - monotonic(), 0.001))
            return TlsConnection(context.wrap_socket(plain))
        except ssl.SSLCertVerificationError as problem:
            plain.close()
            raise NotTrusted(f"the host's certificate is not by its CA: {problem.verify_message}") from None
        except OSError as problem:
            plain.close()
            raise _refused(problem) or Unreachable(f"no TLS 1.3: {_said(problem)}", _HINT) from None

    def _authority_for(self, name: Name, now: datetime) -> Authority:
        authority = self._authority
        depth = len(authority.path)
        if name.path[:depth] != authority.path:
            return authority  # minting says what is wrong
        for length in range(depth + 1, len(name.path) + 1):
            path = Name(name.path[:length])
            policy = self._policies.get(path)
            if policy is None:
                raise NotSendable(
                    f"no quota policy is known for {path}, and over TLS every command brings one.",
                    "Set a quota policy for this path first.",
                )
            authority = below(authority, name.path[length - 1], policy, now=now)
        return authority


_HINT = "Check that the host is up and that albatross_tls_endpoint runs there."


class TlsConnection:
    """A connection that brought its command."""

    carried = True

    def __init__(self, connected: ssl.SSLSocket) -> None:
        self._socket = connected

    def send(self, parts: Parts, timeout: float) -> None:
        """Send all parts; small ones share a record."""
        until = monotonic() + timeout
        record = b""
        for part in parts:
            if len(record) + len(part) <= _RECEIVE:
                record += part
                continue
            self._send(record, until)
            self._send(part, until)
            record = b""
        self._send(record, until)

    def _send(self, data: bytes | bytearray | memoryview, until: float) -> None:
        if len(data):
            self._socket.settimeout(max(until - monotonic(), 0.001))
            self._socket.sendall(data)

    def receive(self, timeout: float) -> bytes:
        """What came in. Raises NotPermitted when the host refused our certificate: nothing was done."""
        self._socket.settimeout(max(timeout, 0.001))
        try:
            return self._socket.recv(_RECEIVE)
        except ssl.SSLEOFError:
            return b""  # closed without saying so, as by a host that went down
        except ssl.SSLError as problem:
            if refusal := _refused(problem):
                raise refusal from None
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


def _carried(request: Request, dialect: Dialect) -> Request:
    """The request as it goes into a certificate: an image follows as a stream. Raises NotSendable."""
    command = request.command
    if isinstance(command, c.AddPolicy | c.RemovePolicy):
        raise NotSendable(
            "over TLS no quota policy is set or removed by itself: every command brings its path's.",
            "Use SSH or the local socket for this.",
        )
    if not dialect.tls_streams and isinstance(command, c.Create | c.SetBlock | c.AddBlockWithData):
        raise NotSendable(
            f"albatross {dialect.release} takes no images or volumes as a stream over TLS.", _USE_SSH
        )
    if isinstance(command, c.AddBlockWithData | c.SetBlockData):
        raise NotSendable("this command takes its contents in one piece.", "Stream them instead.")
    if isinstance(command, c.Create):
        emptied = replace(command, config=replace(command.config, image=b""))
        return replace(request, command=emptied)
    return request


def _context(server_ca: str, credentials: Credentials) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    # CAs that albatross's own tool made lack an identifier that strict checks ask for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    try:
        context.load_verify_locations(cadata=server_ca)
    except (ssl.SSLError, ValueError):
        raise NotTrusted("the CA of the host's endpoint is not readable; it must be in PEM") from None
    with _in_memory(credentials.chain + credentials.key) as path:
        context.load_cert_chain(path)
    return context


@contextmanager
def _in_memory(secret: bytes) -> Iterator[str]:
    """A path that this process alone can read and no disk holds: the library takes keys from files only."""
    with open(os.memfd_create("credentials", os.MFD_CLOEXEC), "w+b") as file:
        file.write(secret)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


def _refused(problem: OSError) -> NotPermitted | None:
    """The refusal that a TLS alert means."""
    reason = str(getattr(problem, "reason", None) or "")
    for alert, words in _ALERTS.items():
        if reason.endswith(f"ALERT_{alert}"):
            return NotPermitted(*words)
    if "ALERT" in reason and "CERTIFICATE" in reason:
        return NotPermitted(*_BAD_CERTIFICATE)
    return None


def _said(problem: OSError) -> str:
    return str(getattr(problem, "reason", None) or problem.strerror or type(problem).__name__)[:200]
