"""Programs that change things by the API, and write down what they were told is done.

Each has names of its own, so that what it wrote down is what must be outside at the end. A request whose
answer was lost is sent again with the same Idempotency-Key.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from tenants.formats.relay_entry import NO_LOGIN
from tenants.models import Mailbox
from tests.conftest import confirm_all
from tests.processes.client import Visitor
from tests.soak.places import BASE, Addresses, Place, State, Unikernels

PATIENCE = 180.0
MOST_UNIKERNELS = 4
# Confirming is the business of people, by the link in their mail; one at a time is enough.
_CONFIRMING = threading.Lock()


@dataclass
class Address:
    password: str
    targets: list[str]
    enabled: bool = True

    @property
    def state(self) -> State:
        return {"targets": self.targets, "password": self.password} if self.enabled else None


@dataclass
class Instance:
    """A unikernel of a client."""

    id: int
    memory: int
    period: int
    running: bool = True

    @property
    def arguments(self) -> list[str]:
        return ["--ticks=0", f"--period-ms={self.period}"]

    @property
    def state(self) -> State:
        return [self.memory, *self.arguments] if self.running else None


@dataclass
class Ledger:
    """What one client was told is done: states by target and name, in their order, and how often what."""

    states: dict[int, dict[str, list[State]]] = field(default_factory=dict)
    verbs: Counter[tuple[tuple[str, int], str]] = field(default_factory=Counter)
    repeated: int = 0

    def wrote(self, place: Place, name: str, state: State) -> None:
        states = self.states.setdefault(place.target.pk, {}).setdefault(name, [])
        if (states[-1] if states else None) != state:
            states.append(state)


class GaveUp(Exception):
    """An answer that no repetition mends."""


class Client(threading.Thread):
    """`changes` of them, each by the next of `keys`, at whichever of `bases` answers."""

    def __init__(
        self,
        name: str,
        seed: int,
        places: Sequence[Place],
        keys: Sequence[str],
        bases: Sequence[str],
        changes: int,
        pause: float,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.ledger = Ledger()
        self.problem = ""
        self.done = 0
        self._random = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self._places, self._keys, self._bases = list(places), keys, bases
        self._changes, self._pause = changes, pause
        self._addresses: dict[int, dict[str, Address]] = {}
        self._texts: dict[int, dict[str, str]] = {}
        self._instances: dict[int, dict[str, Instance]] = {}
        self._ended = threading.Event()

    def enough(self) -> None:
        """After this change."""
        self._changes = 0

    def stop(self) -> None:
        """Now, whatever was begun."""
        self._ended.set()

    def run(self) -> None:
        try:
            while self.done < self._changes and not self._ended.is_set():
                self._change(self._random.choice(self._places))
                self.done += 1
                self._ended.wait(self._random.uniform(0, 2 * self._pause))
        except Exception as error:
            self.problem = f"{self.name}, change {self.done}: {error!r}"
        finally:
            connection.close()

    # what is done ---------------------------------------------------------------------------------

    def _change(self, place: Place) -> None:
        if isinstance(place, Unikernels):
            self._change_instance(place)
        elif isinstance(place, Addresses):
            self._change_address(place)
        else:
            self._change_record(place)

    def _change_address(self, place: Place) -> None:
        mine = self._addresses.setdefault(place.target.pk, {})
        mailboxes = [name for name, row in mine.items() if row.password != NO_LOGIN]
        dice = self._random.random()
        if dice < 0.35 and mailboxes:
            name = self._random.choice(mailboxes)
            digest, path = self._digest(), f"mailboxes/{name}@{place.domain}/passphrase/"
            self._write(place, "set_passphrase", "PUT", path, {"password_hash": digest})
            mine[name].password = digest
        elif dice < 0.5 and mailboxes:
            name = self._random.choice(mailboxes)
            path, body = f"mailboxes/{name}@{place.domain}/", {"enabled": not mine[name].enabled}
            self._write(place, "switch_mailbox", "PATCH", path, body)
            mine[name].enabled = not mine[name].enabled
        elif dice < 0.6 and len(mine) > 2:
            name = self._random.choice(sorted(mine))
            self._write(place, "trash_mailbox", "DELETE", f"mailboxes/{name}@{place.domain}/")
            del mine[name]
        else:
            name = self._new_name()
            mine[name] = self._make_alias(place, name) if dice < 0.75 else self._make_mailbox(place, name)
        self.ledger.wrote(place, name, mine[name].state if name in mine else None)

    def _make_mailbox(self, place: Place, name: str) -> Address:
        digest, targets = self._digest(), [f"{name}@home.example"]
        body = {"local_part": name, "targets": targets, "password_hash": digest}
        self._write(place, "create_mailbox", "POST", f"domains/{place.domain}/mailboxes/", body)
        with _CONFIRMING:
            try:
                confirm_all(Mailbox.objects.get(domain=place.domain, local_part=name))
            finally:
                connection.close()  # a process has fewer of them than there are clients
        return Address(digest, targets)

    def _make_alias(self, place: Place, name: str) -> Address:
        body = {"local_part": name, "delivers_to": [BASE]}
        self._write(place, "create_alias", "POST", f"domains/{place.domain}/aliases/", body)
        return Address(NO_LOGIN, [f"{BASE}@home.example"])

    def _change_record(self, place: Place) -> None:
        texts = self._texts.setdefault(place.target.pk, {})
        gone = bool(texts) and self._random.random() < 0.2
        again = gone or (bool(texts) and self._random.random() < 0.4)
        owner = self._random.choice(sorted(texts)) if again else self._new_name()
        text = self._digest()[:40]
        change = {"owner": owner, "type": "TXT", "records": [] if gone else [f'"{text}"']}
        path = f"domains/{place.domain}/zone/record-sets/"
        verb = "delete_record_set" if gone else "set_record_set"
        self._write(place, verb, "POST", path, {"changes": [change]})
        if gone:
            del texts[owner]
        else:
            texts[owner] = text
        self.ledger.wrote(place, owner, texts.get(owner))

    def _change_instance(self, place: Unikernels) -> None:
        mine = self._instances.setdefault(place.target.pk, {})
        dice = self._random.random()
        name = self._random.choice(sorted(mine)) if mine else ""
        if not mine or (dice < 0.3 and len(mine) < MOST_UNIKERNELS):
            name = self._new_name()
            row = Instance(0, self._random.randrange(16, 48), self._random.randrange(1_000, 60_000))
            body: dict[str, Any] = {"image": place.image, "memory": row.memory, "arguments": row.arguments}
            path = f"hosts/{place.share.pk}/unikernels/"
            row.id = self._write(place, "create_unikernel", "POST", path, {"name": name, **body})["id"]
            mine[name] = row
        elif dice < 0.4:
            self._write(place, "delete_unikernel", "DELETE", f"unikernels/{mine[name].id}/")
            del mine[name]
        elif dice < 0.65:
            row = mine[name]
            way = "stop" if row.running else "start"
            self._write(place, f"{way}_unikernel", "POST", f"unikernels/{row.id}/{way}/")
            row.running = not row.running
        else:
            row = mine[name]
            row.memory, row.period = 16 + (row.memory - 15) % 32, self._random.randrange(1_000, 60_000)
            body = {"memory": row.memory, "arguments": row.arguments}
            self._write(place, "change_unikernel", "PATCH", f"unikernels/{row.id}/", body)
        self.ledger.wrote(place, name, mine[name].state if name in mine else None)

    # how ------------------------------------------------------------------------------------------

    def _new_name(self) -> str:
        return f"{self.name}-{self.done}"

    def _digest(self) -> str:
        return hashlib.blake2b(self._random.randbytes(16)).hexdigest()

    def _write(self, place: Place, verb: str, method: str, path: str, body: Any = None) -> Any:
        """Send it until somebody says that it is done, within the patience of a program; what was said."""
        key = self._keys[self.done % len(self._keys)]
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"{self.name}-{self.done}"}
        text = None if body is None else json.dumps(body)
        ends, tries = time.monotonic() + PATIENCE, 0
        while time.monotonic() < ends and not self._ended.is_set():
            visitor = Visitor(self._bases[(self.done + tries) % len(self._bases)], key)
            tries += 1
            try:
                answer = visitor.ask(method, f"/api/v1/{path}", text, **headers)
            except (OSError, http.client.HTTPException):
                self._ended.wait(0.2)
                continue
            if answer.status < 300:
                self.ledger.verbs[place.event_key, verb] += 1
                self.ledger.repeated += "Idempotency-Replayed" in answer.headers
                return json.loads(answer.body) if answer.body else None
            if answer.status not in {409, 429, 500, 502, 503}:
                raise GaveUp(f"{method} {path}: {answer.status} {answer.body[:500]}")
            self._ended.wait(min(5.0, float(answer.headers.get("Retry-After") or 0.2)))
        raise GaveUp(f"{method} {path}: nobody did it within {PATIENCE:.0f} seconds")
