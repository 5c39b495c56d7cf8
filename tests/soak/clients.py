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
from tests.soak.world import BASE, Place

PATIENCE = 90.0
Entry = dict[str, Any]
# Confirming is the business of people, by the link in their mail; one at a time is enough.
_CONFIRMING = threading.Lock()


@dataclass
class Address:
    password: str
    targets: list[str]
    enabled: bool = True

    def entry(self) -> Entry:
        return {"targets": self.targets, "password": self.password}


@dataclass
class Ledger:
    """What one client was told: addresses and texts by place, and how often it did what."""

    addresses: dict[int, dict[str, Address]] = field(default_factory=dict)
    trashed: dict[int, set[str]] = field(default_factory=dict)
    texts: dict[int, dict[str, str]] = field(default_factory=dict)
    verbs: Counter[tuple[int, str]] = field(default_factory=Counter)
    repeated: int = 0


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
        self._ended = threading.Event()

    def stop(self) -> None:
        self._ended.set()

    def run(self) -> None:
        try:
            while self.done < self._changes and not self._ended.is_set():
                place = self._random.choice(self._places)
                (self._change_record if place.zone else self._change_address)(place)
                self.done += 1
                self._ended.wait(self._random.uniform(0, 2 * self._pause))
        except Exception as error:
            self.problem = f"{self.name}, change {self.done}: {error!r}"
        finally:
            connection.close()

    # what is done ---------------------------------------------------------------------------------

    def _change_address(self, place: Place) -> None:
        mine = self.ledger.addresses.setdefault(place.domain.pk, {})
        mailboxes = [name for name, row in mine.items() if row.password != NO_LOGIN]
        aliases = [name for name, row in mine.items() if row.password == NO_LOGIN]
        dice = self._random.random()
        if dice < 0.35 and mailboxes:
            self._give_passphrase(place, self._random.choice(mailboxes))
        elif dice < 0.5 and mailboxes:
            self._switch(place, self._random.choice(mailboxes))
        elif dice < 0.6 and len(mine) > 2:
            self._trash(place, self._random.choice(mailboxes + aliases))
        elif dice < 0.75:
            self._make_alias(place)
        else:
            self._make_mailbox(place)

    def _make_mailbox(self, place: Place) -> None:
        name, digest = self._new_name(), self._digest()
        body = {"local_part": name, "targets": [f"{name}@home.example"], "password_hash": digest}
        self._write(place, "create_mailbox", "POST", f"domains/{place.domain}/mailboxes/", body)
        self._confirm(place, name)
        address = Address(digest, [f"{name}@home.example"])
        self.ledger.addresses[place.domain.pk][name] = address

    def _make_alias(self, place: Place) -> None:
        name = self._new_name()
        body = {"local_part": name, "delivers_to": [BASE]}
        self._write(place, "create_alias", "POST", f"domains/{place.domain}/aliases/", body)
        self.ledger.addresses[place.domain.pk][name] = Address(NO_LOGIN, [f"{BASE}@home.example"])

    def _give_passphrase(self, place: Place, name: str) -> None:
        digest = self._digest()
        path = f"mailboxes/{name}@{place.domain}/passphrase/"
        self._write(place, "set_passphrase", "PUT", path, {"password_hash": digest})
        self.ledger.addresses[place.domain.pk][name].password = digest

    def _switch(self, place: Place, name: str) -> None:
        row = self.ledger.addresses[place.domain.pk][name]
        path, body = f"mailboxes/{name}@{place.domain}/", {"enabled": not row.enabled}
        self._write(place, "switch_mailbox", "PATCH", path, body)
        row.enabled = not row.enabled

    def _trash(self, place: Place, name: str) -> None:
        self._write(place, "trash_mailbox", "DELETE", f"mailboxes/{name}@{place.domain}/")
        del self.ledger.addresses[place.domain.pk][name]
        self.ledger.trashed.setdefault(place.domain.pk, set()).add(name)

    def _change_record(self, place: Place) -> None:
        texts = self.ledger.texts.setdefault(place.domain.pk, {})
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

    # how ------------------------------------------------------------------------------------------

    def _new_name(self) -> str:
        return f"{self.name}-{self.done}"

    def _digest(self) -> str:
        return hashlib.blake2b(self._random.randbytes(16)).hexdigest()

    def _confirm(self, place: Place, name: str) -> None:
        with _CONFIRMING:
            try:
                confirm_all(Mailbox.objects.get(domain=place.domain, local_part=name))
            finally:
                connection.close()

    def _write(self, place: Place, verb: str, method: str, path: str, body: Any = None) -> None:
        """Send it until somebody says that it is done, within the patience of a program."""
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
                self.ledger.verbs[place.domain.pk, verb] += 1
                self.ledger.repeated += "Idempotency-Replayed" in answer.headers
                return
            if answer.status not in {409, 429, 500, 502, 503}:
                raise GaveUp(f"{method} {path}: {answer.status} {answer.body[:500]}")
            self._ended.wait(min(5.0, float(answer.headers.get("Retry-After") or 0.2)))
        raise GaveUp(f"{method} {path}: nobody did it within {PATIENCE:.0f} seconds")
