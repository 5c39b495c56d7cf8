"""Does a mail server answer on its port? Asked from where it can be reached: the host that it runs on."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Protocol, TypeVar

from tenants.formats.text import printable
from workers.albatross.dialer import Connection
from workers.albatross.errors import AlbatrossError

ONE_TRY = 4.0
_PAUSE = 1.0
_MOST = 16_384
_BANNER = b"220"
_T = TypeVar("_T")


class PortDialer(Protocol):
    """A way to ports that a host reaches."""

    def dial_port(self, address: IPv4Address, port: int, timeout: float) -> Connection:
        """Raises Unreachable."""


def wait_for_banner(
    dialer: PortDialer,
    place: tuple[IPv4Address, int],
    *,
    tls: bool,
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Wait at most `seconds` for a server that says 220; "" when it did, else why it did not at last.

    At least one try is made, which takes at most `ONE_TRY` seconds.
    """
    began = clock()
    while True:
        problem = try_banner(dialer, place, tls=tls)
        if not problem or clock() - began + _PAUSE >= seconds:
            return problem
        sleep(_PAUSE)


def try_banner(
    dialer: PortDialer, place: tuple[IPv4Address, int], *, tls: bool, timeout: float = ONE_TRY
) -> str:
    """Ask once. Whose certificate it shows is looked at elsewhere: here it only has to serve."""
    until = time.monotonic() + timeout
    try:
        connection = dialer.dial_port(*place, timeout)
    except AlbatrossError as problem:
        return printable(problem.sentence, 200)
    try:
        said = (_Tls if tls else _Plain)(connection, until).first_line()
    except TimeoutError:
        return "it took the connection and said nothing in time"
    except ssl.SSLError as problem:
        return f"it speaks no TLS: {printable(problem.reason or str(problem), 100)}"
    except OSError as problem:
        return f"the connection broke: {printable(problem.strerror or str(problem), 100)}"
    finally:
        connection.close()
    if said.startswith(_BANNER):
        return ""
    return f"it said “{printable(said, 80)}” instead of 220" if said else "it closed the connection at once"


class _Plain:
    def __init__(self, connection: Connection, until: float) -> None:
        self._connection, self._until = connection, until

    def first_line(self) -> bytes:
        said = b""
        while b"\n" not in said and len(said) < _MOST:
            part = self._read()
            if not part:
                break
            said += part
        return said.split(b"\n", 1)[0].rstrip()

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _read(self) -> bytes:
        return self._connection.receive(self._left())


class _Tls(_Plain):
    """TLS over something that is no socket of ours."""

    def __init__(self, connection: Connection, until: float) -> None:
        super().__init__(connection, until)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out)
        self._came = 0

    def first_line(self) -> bytes:
        self._until_done(self._tls.do_handshake)
        return super().first_line()

    def _read(self) -> bytes:
        return self._until_done(lambda: self._tls.read(1024))

    def _until_done(self, step: Callable[[], _T]) -> _T:
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                part = self._connection.receive(self._left())
                self._came += len(part)
                if not part or self._came > 8 * _MOST:
                    raise ConnectionResetError("it ended in the middle of TLS") from None
                self._in.write(part)
                continue
            self._flush()
            return done

    def _flush(self) -> None:
        if self._out.pending:
            self._connection.send((self._out.read(),), self._left())
