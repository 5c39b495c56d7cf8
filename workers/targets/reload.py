"""ptt reads relay.git only when it boots: after a push, submission and relay must restart.

How that happens differs: the sandbox is asked through its control socket; elsewhere a person does it, and
the condition `ReloadPending` says since when, which unikernels, and the command.
"""

from __future__ import annotations

from typing import Protocol

from tenants.models import Condition, Repository
from tenants.same_by_hand.restarts import readers_by_hand
from workers.outcome import Retry
from workers.targets.base import Pass, Statement

UNIKERNELS = ("submission", "relay")


class Reloader(Protocol):
    def take_up(self, current: Pass, repository: Repository, commit: str) -> Statement | None:
        """Make the mail servers of `repository` serve `commit`, or say that somebody must.

        Raises Retry when the servers could not be reached or did not come back.
        """


class ByHand:
    """Nobody can restart them for us: say what waits, until a person says that it was done."""

    def take_up(self, current: Pass, repository: Repository, commit: str) -> Statement | None:
        known = current.target.conditions.filter(type=Condition.Type.RELOAD_PENDING).first()
        if known is not None and known.details.get("commit") == commit:
            return None
        names, lines = readers_by_hand(repository)
        return Statement(
            Condition.Type.RELOAD_PENDING,
            True,
            "RestartByHand",
            "The change is in the repository, but submission and relay read it only when they start."
            " Restart submission first, then relay, and say so here.",
            {
                "commit": commit,
                "unikernels": names,
                "commands": lines,
            },
        )


class Restarts(Protocol):
    """Something that can restart one role of a domain and tell which commit it read."""

    def restart(self, domain: str, role: str) -> str: ...

    def commit_read(self, domain: str, role: str) -> str | None: ...


class Automatic:
    """Restart through `servers`; done when each role says that it read our commit."""

    def __init__(self, servers: Restarts, failures: tuple[type[Exception], ...]) -> None:
        self._servers = servers
        self._failures = failures

    def take_up(self, current: Pass, repository: Repository, commit: str) -> Statement | None:
        domain = str(repository.domain)
        for role in UNIKERNELS:
            try:
                if self._servers.commit_read(domain, role) == commit:
                    continue
                current.renew()
                read = self._servers.restart(domain, role)
            except self._failures as error:
                raise Retry(
                    "restart-failed", f"{role} of {domain} could not be restarted: {error}."
                ) from error
            if read != commit:
                raise Retry("restart-failed", f"{role} of {domain} started, but read another commit.")
            current.note(f"{role} restarted and read {commit[:10]}")
        return Statement(
            Condition.Type.RELOAD_PENDING,
            False,
            "TakenUp",
            f"Submission and relay serve {commit[:7]}.",
            {"commit": commit},
        )


class PerRepository:
    """Chooses by the repository's own setting."""

    def __init__(self, choices: dict[str, Reloader]) -> None:
        self._choices = choices

    def take_up(self, current: Pass, repository: Repository, commit: str) -> Statement | None:
        return self._choices.get(repository.reload, ByHand()).take_up(current, repository, commit)
