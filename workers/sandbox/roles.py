"""The life of one server: booting from the repository, running, dead, stopped.

A boot reads the repository once and builds a new server around what it read; nothing else ever reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from workers.sandbox.listener import Console, clean
from workers.sandbox.smtp import SmtpServer
from workers.sandbox.users import RepositoryError, Table

SHOWN_SKIPPED = 50
SHOWN_LINES = 20


class State(Enum):
    """What a server does now."""

    STOPPED = "stopped"
    BOOTING = "booting"
    RUNNING = "running"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Boot:
    """What a server is built from: the table that was read, the port of its last boot, and whom to tell it
    died."""

    table: Table
    port: int
    on_death: Callable[[str], None]


class Role:
    """A server that can be booted again and again at the same address."""

    def __init__(
        self,
        *,
        role: str,
        domain: str,
        host: str,
        port: int,
        console: Console,
        read_table: Callable[[], Table],
        build: Callable[[Boot], SmtpServer],
    ) -> None:
        self.role, self.domain, self.host, self.port = role, domain, host, port
        self.console = console
        self._read_table, self._build = read_table, build
        self._lock = asyncio.Lock()
        self._server: SmtpServer | None = None
        self._state = State.STOPPED
        self._reason = ""
        self._booted_at: datetime | None = None
        self._table = Table()

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens or last listened; None before the first boot with a free port."""
        return (self.host, self.port) if self.port else None

    async def restart(self) -> dict[str, Any]:
        """Stop it if it runs, read the repository, and answer when it listens again (or could not boot)."""
        async with self._lock:
            await self._stop()
            await self._boot()
        return self.status()

    async def stop(self) -> None:
        """Stop it; does nothing when it does not run."""
        async with self._lock:
            await self._stop()

    async def settle(self) -> bool:
        """Wait until the mails accepted so far went on their way; tell whether there were any."""
        return self._server is not None and await self._server.settle()

    async def _boot(self) -> None:
        self._state, self._reason = State.BOOTING, ""
        self.console.write("info", "booting")
        try:
            table = await asyncio.to_thread(self._read_table)
            server = self._build(Boot(table, self.port, self._died))
            await server.listen()
        except (RepositoryError, OSError) as error:
            self._died(clean(error))
            self.console.write("error", f"Fatal error: {error}")
            return
        self._server, self._table, self.port = server, table, server.port
        self._booted_at = datetime.now(UTC)
        if self._state is State.BOOTING:
            self._state = State.RUNNING
        for skipped in table.skipped:
            self.console.write("warn", f"Invalid value for /{skipped.name}: {skipped.reason}")
        self.console.write("info", f"{table.entries} users read from {table.commit or 'an empty repository'}")

    async def _stop(self) -> None:
        if self._server is not None:
            await self._server.close()
            self._server = None
        if self._state is not State.STOPPED:
            self.console.write("info", "stopped")
        self._state, self._reason = State.STOPPED, ""

    def _died(self, reason: str) -> None:
        self._state, self._reason = State.DEAD, clean(reason)

    def status(self) -> dict[str, Any]:
        """What is true now, ready for JSON; bounded."""
        return {
            "role": self.role,
            "domain": self.domain,
            "state": self._state.value,
            "reason": self._reason,
            "host": self.host,
            "port": self.port,
            "booted_at": self._booted_at.isoformat() if self._booted_at else None,
            "commit": self._table.commit,
            "entries": self._table.entries,
            "skipped_count": len(self._table.skipped),
            "skipped": [
                {"name": clean(skipped.name, 200), "reason": clean(skipped.reason)}
                for skipped in self._table.skipped[:SHOWN_SKIPPED]
            ],
            "console": self.console.lines()[-SHOWN_LINES:],
        }
