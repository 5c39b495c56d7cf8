"""Who acts: a person, a person's token, a stranger on a public page, or Rookery itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenants.models import Account


class Via(StrEnum):
    WEB = "web"
    API = "api"
    COMMAND = "command"
    WORKER = "worker"
    LINK = "link"


@dataclass(frozen=True)
class Actor:
    """An actor without an account is a stranger.

    `organization_id`, `domain_id`, `kinds`, `verbs` and `read_only` narrow what a token may (see
    tenants.access); empty ones narrow nothing.
    """

    account: Account | None = None
    via: Via = Via.WEB
    name: str = ""
    ip: str | None = None
    request_id: str = ""
    token: str = ""
    organization_id: int | None = None
    read_only: bool = False
    domain_id: int | None = None
    kinds: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    system: bool = field(default=False)

    @property
    def is_operator(self) -> bool:
        account = self.account
        return self.system or bool(account and account.is_active and account.is_staff)

    def __str__(self) -> str:
        if self.name:
            return self.name
        return str(self.account) if self.account else "somebody without an account"

    @classmethod
    def rookery(cls, via: Via = Via.WORKER, name: str = "Rookery") -> Actor:
        """Rookery itself, or an operator at the server's own command line."""
        return cls(via=via, name=name, system=True)
