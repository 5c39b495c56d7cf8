"""A mail stack that is walked through the real controller, pass by pass, and the world around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from tenants.errors import Conflict
from tenants.formats.firewall.connections import Connection
from tenants.formats.stacks.phases import Found
from tenants.models import Stack, SyncTarget, Unikernel
from tests.stacking import Site
from workers.controller import Controller, Ending
from workers.probes import Proved, Silent
from workers.targets.stack import MailStack
from workers.targets.upgrade_looks import UpgradeEyes


@dataclass
class Git:
    """Lets keys in at once, unless somebody has to do it by hand."""

    let_in: bool = False
    by_hand: bool = False

    def look(self, stack: Stack, *, written: bool) -> Found:
        proof = {"users": "read"} if self.let_in else None
        return Found(written or self.let_in, proof, gone=not self.let_in)

    def grant(self, stack: Stack) -> None:
        if self.by_hand:
            raise Conflict("Add this line by hand.")
        self.let_in = True

    def take(self, stack: Stack) -> None:
        self.let_in = False


@dataclass
class Way:
    """A stack on its way, and the world around it."""

    site: Site
    stack: Stack
    git: Git = field(default_factory=Git)
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    now: datetime = field(default_factory=timezone.now)
    agree: bool = True
    connections: tuple[Connection, ...] | None = ()

    def ask(self, stack: Stack, role: str, address: str) -> Proved | Silent:
        self.asked.append(role)
        return Silent("it said nothing in time") if role in self.silent else Proved({"banner": address})

    def step(self) -> Ending:
        """One pass, in which the others are up to date; then some time goes by."""
        if self.agree:
            others = SyncTarget.objects.exclude(kind="stack")
            others.update(observed_generation=F("generation"), observed_at=self.now)
        eyes = UpgradeEyes(self.ask, self.ask, lambda stack, places: self.connections)
        kind = MailStack(git=self.git, eyes=eyes)  # type: ignore[arg-type]
        controller = Controller(kinds={"stack": kind}, clock=lambda: self.now)
        SyncTarget.objects.filter(stack=self.stack).update(lease_until=timezone.now() - timedelta(hours=1))
        ending = controller.reconcile(SyncTarget.objects.get(stack=self.stack).pk)
        self.now += timedelta(seconds=15)
        self.stack.refresh_from_db()
        return ending

    def go(self, most: int = 40) -> Ending:
        for _ in range(most):
            if (ending := self.step()) is not Ending.RETRY:
                return ending
        return ending

    @property
    def states(self) -> dict[str, str]:
        return dict(self.stack.phases.values_list("name", "state"))

    @property
    def running(self) -> set[str]:
        rows = Unikernel.objects.filter(running=True, deleted_at=None).values_list("name", flat=True)
        return {name.removeprefix("example-org-").removesuffix("-1") for name in rows}
