"""The helper of a host over SSH: read, change, confirm over a connection made after the change."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from tenants.formats.firewall.connections import Connection, read_connections
from tenants.formats.firewall.guard import check_restore_text
from tenants.formats.firewall.helper import MOST_REPORT, PATH, Report, read_report
from tenants.formats.text import printable
from workers import ssh
from workers.ssh.root import as_root

CONFIRM_WITHIN = 15
"""Seconds after which the host undoes a change that nobody confirmed."""
_PAUSE = 0.2
_LONGEST_CONNECT = 4.0
_BACK_AFTER = 10.0


class FirewallError(Exception):
    """Base of what the helper refuses; the sentence is for people."""


class NoHelper(FirewallError):
    """There is no helper that this account may run."""


class Busy(FirewallError):
    """Another change is being made or waits to be confirmed."""


class Moved(FirewallError):
    """The rules are not those that were read: nothing was changed."""


class Undone(FirewallError):
    """The change is not there: it was not confirmed in time, or never came."""


class CutOff(FirewallError):
    """After the change no new connection could be made. The host has undone it by now, or will."""


class HelperFailed(FirewallError):
    """iptables, or the helper, refused; what it had changed was undone."""


_FAILURES: dict[int, type[FirewallError]] = {5: Busy, 6: Undone, 7: Moved, 126: NoHelper, 127: NoHelper}


def helper_command(path: str = PATH) -> str:
    """The beginning of a line for the shell of the account: as root, or by sudo."""
    return as_root(shlex.quote(path))


@dataclass(frozen=True)
class FirewallClient:
    """One account on one host. `seconds`: how long the host waits for a confirmation."""

    pool: ssh.ConnectionPool
    endpoint: ssh.SshEndpoint
    command: str = helper_command()
    seconds: int = CONFIRM_WITHIN

    def read(self) -> Report:
        """What is there. Raises FormatError for an answer that is none, FirewallError, SshError."""
        with self.pool.connection(self.endpoint) as connection:
            return read_report(self._run(connection, "save").decode("utf-8", "replace"))

    def connections(self, addresses: Collection[str]) -> tuple[Connection, ...]:
        """TCP connections that stand and have one of these addresses, at most 16. Raises FirewallError where
        the host does not tell them, FormatError, SshError."""
        with self.pool.connection(self.endpoint) as connection:
            told = self._run(connection, "connections", *addresses)
        return read_connections(told.decode("ascii", "replace"), addresses)

    def change(self, family: int, expected: str, text: str, tick: Callable[[], None]) -> None:
        """Give `text` to iptables-restore if the rules still are those of the fingerprint `expected`, and
        confirm it over a fresh connection. `tick` is called while waiting. Raises FormatError for text that
        is not ours to write, FirewallError, SshError."""
        check_restore_text(text)
        token = secrets.token_hex(16)
        words = (str(family), expected, str(self.seconds), token)
        try:
            with self.pool.connection(self.endpoint) as connection:
                self._run(connection, "apply", *words, given=text.encode())
        except ssh.Unreachable:
            pass  # the change itself may have cut it: what counts is whether a new one can be made
        # The host's time began earlier, so this is never too short; whether it was in time, the host says.
        self._confirm(family, token, time.monotonic() + self.seconds, tick)

    def _confirm(self, family: int, token: str, ends: float, tick: Callable[[], None]) -> None:
        problem = "no time was left"
        while (left := ends - time.monotonic()) > 0:
            tick()
            quick = replace(self.endpoint, connect_timeout=min(_LONGEST_CONNECT, left))
            try:
                connection = self.pool.fresh(quick)
            except ssh.Unreachable as error:
                problem = str(error)
                time.sleep(_PAUSE)
                continue
            try:
                self._run(connection, "confirm", str(family), token)
                return
            except ssh.Unreachable as error:
                problem = str(error)
            finally:
                connection.close()
        self._wait_until_back(tick)
        raise CutOff(printable(problem, 200))

    def _wait_until_back(self, tick: Callable[[], None]) -> None:
        """Until the host has undone it, as far as can be seen; kept connections are of no use any more."""
        ends = time.monotonic() + _BACK_AFTER
        while time.monotonic() < ends:
            tick()
            try:
                connection = self.pool.fresh(replace(self.endpoint, connect_timeout=_LONGEST_CONNECT / 2))
            except ssh.Unreachable:
                time.sleep(_PAUSE)
                continue
            connection.close()
            return

    def _run(self, connection: ssh.Connection, *words: str, given: bytes = b"") -> bytes:
        try:
            line = f"{self.command} {shlex.join(words)}"
            return connection.run(line, given, limit=MOST_REPORT).stdout
        except ssh.CommandFailed as error:
            said = printable(error.message or str(error), 300)
            if "sudo" in error.message or "not found" in error.message:
                raise NoHelper(said) from error
            raise _FAILURES.get(error.status, HelperFailed)(said) from error
