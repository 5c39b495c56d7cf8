"""Two organizations side by side, everybody who may look at them, and what the database holds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

from django.apps import apps
from django.db import connection
from django.forms import BaseForm
from django.test import Client
from django.utils.http import urlencode

from tenants.actions import accounts, domains, organizations
from tenants.actor import Actor
from tenants.dryrun import rehearsal
from tenants.models import Account, Domain, Organization
from tests.conftest import account, make_address
from tests.exchanges import shared_pair
from tests.web.people import signed_in
from tests.world import World, add_member, build_world

# A GET may write these, and nothing else:
# - when a program's token was last used, so that its person can see which are idle. At most once a minute.
KEPT_BY_READING = re.compile(r'UPDATE "tenants_(apitoken" SET "last_used_at|session" SET "seen_at)" = ')
_WRITTEN = re.compile(r'(?:INSERT(?: OR IGNORE)? INTO|UPDATE|DELETE FROM) "(\w+)"')
_READS = ("SELECT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
_CSRF = re.compile(rb'csrfmiddlewaretoken" value="[^"]*"')


@dataclass
class Person:
    """Somebody with a browser (signed in unless anonymous) and a program's key; `relations` are to worlds."""

    name: str
    relations: dict[str, str]
    actor: Actor | None = None
    key: str = ""
    browser: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        if self.actor is not None:
            assert self.actor.account is not None
            self.browser = signed_in(self.actor.account)
            _, self.key = accounts.create_token(actor=self.actor, name="program")
        self._cookies = self.browser.cookies.output(header="", sep=";")

    def strict_browser(self, **cookies: str) -> Client:
        """Another one with the same session that checks CSRF tokens, as real ones do."""
        client = Client(enforce_csrf_checks=True)
        client.cookies = SimpleCookie(self._cookies)
        for name, value in cookies.items():
            client.cookies[name] = value
        return client

    def ask(self, method: str, address: str, data: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """A request of the browser, with a form's data. Cookies start anew each time."""
        self.browser.cookies = SimpleCookie(self._cookies)
        body = urlencode(data or {}, doseq=True) if method == "POST" else ""
        return self.browser.generic(
            method, address, body, content_type="application/x-www-form-urlencoded", headers=headers
        )


@dataclass
class Stage:
    """`worlds`: alice's (ours) and charlie's (theirs)."""

    worlds: dict[str, World]
    people: dict[str, Person]

    @property
    def ours(self) -> World:
        return self.worlds["ours"]

    @property
    def theirs(self) -> World:
        return self.worlds["theirs"]

    def some(self, *names: str) -> list[Person]:
        return [self.people[name] for name in names]


def _organization(name: str, owner: Account, domain: str) -> tuple[Actor, Organization, Domain]:
    organization = organizations.create_organization(actor=Actor.rookery(), name=name)
    add_member(organization, owner.email, "owner")
    actor = Actor(account=owner)
    return actor, organization, domains.create_domain(actor=actor, organization=organization, name=domain)


def build_stage() -> Stage:
    alice, ours, example = _organization("Analytical Society", account("alice"), "example.org")
    charlie, theirs, other = _organization("Difference Works", account("charlie"), "difference.example")
    bob = add_member(ours, account("bob").email, "viewer")
    mona = add_member(ours, account("mona").email, "manager")
    hanna = account("hanna")
    worlds = {
        "ours": build_world(alice, ours, example, holder=hanna, member=bob),
        "theirs": build_world(charlie, theirs, other),
    }
    for owner, domain in ((alice, example), (charlie, other)):
        # Two targets that ptt's relay would mix: a risk that may be accepted.
        shared_pair(make_address(owner, domain, "mixed", password_hash=""))
    olga = account("olga", is_staff=True)
    people = [
        Person("nobody", {"ours": "anonymous"}),
        Person("charlie", {"ours": "stranger", "theirs": "owner"}, charlie),
        Person("hanna", {"ours": "holder", "theirs": "stranger"}, Actor(account=hanna)),
        # Alice and hanna stand for whoever has some right in one organization and none in the other.
        Person("bob", {"ours": "viewer"}, Actor(account=bob.account)),
        Person("mona", {"ours": "manager"}, Actor(account=mona.account)),
        Person("alice", {"ours": "owner", "theirs": "stranger"}, alice),
        Person("olga", {"ours": "operator"}, Actor(account=olga)),
    ]
    return Stage(worlds, {person.name: person for person in people})


# What was answered ----------------------------------------------------------------------------------------


def told(response: Any) -> str:
    """A response in a word, as the tables say it."""
    if response.status_code != 302:
        return str(response.status_code)
    return "in" if response["Location"].startswith("/sign-in") else "to"


def fields_in_error(page: Any) -> set[str]:
    """The fields beside which a page says that something is wrong."""
    shown = [value for context in page.context for layer in context.dicts for value in layer.values()]
    return {field for form in shown if isinstance(form, BaseForm) for field in form.errors}


def comparable(response: Any) -> tuple[int, dict[str, str], bytes]:
    """All that a client gets, but for what is random in every answer."""
    number = response["X-Request-Id"]
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-Id"}
    body = _CSRF.sub(b"", response.content.replace(number.encode(), b""))
    return response.status_code, headers, body


# What the database holds ----------------------------------------------------------------------------------


def snapshot(of: Collection[str] = ()) -> dict[str, str]:
    """A checksum of all rows of each table (or of these); without what reading may write."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if of and model._meta.db_table not in of:
                continue
            columns = [column.column for column in model._meta.local_fields]
            noted = {"last_used_at", "seen_at"}
            kept = [connection.ops.quote_name(name) for name in columns if name not in noted]
            table = connection.ops.quote_name(model._meta.db_table)
            key = connection.ops.quote_name(str(model._meta.pk.column))
            cursor.execute(f"SELECT {', '.join(kept)} FROM {table} ORDER BY {key}")  # noqa: S608
            rows = [tuple(bytes(x) if isinstance(x, memoryview) else x for x in row) for row in cursor]
            found[model.__name__] = f"{len(rows)} {hashlib.sha256(repr(rows).encode()).hexdigest()}"
    return found


def after_writes(before: Mapping[str, str], writes: Sequence[str]) -> list[str]:
    """The tables that are different since `writes`. Only those that they name are looked at."""
    named = [_WRITTEN.match(sql) for sql in writes]
    # A statement that is not understood may have changed anything.
    tables = {found[1] for found in named if found} if all(named) else set()
    return differences(before, snapshot(tables)) if writes else []


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [name for name in after if before[name] != after[name]]


@contextmanager
def taken_back(before: Mapping[str, str]) -> Iterator[Callable[[], set[str]]]:
    """What happens inside is undone; the call tells which tables are different by now.

    Counting how often somebody came is no difference. Tables are looked at only after a write.
    """
    with rehearsal(), only_reading() as writes:
        yield lambda: set(after_writes(before, writes)) - {"Allowance"}


@contextmanager
def only_reading() -> Iterator[list[str]]:
    """Inside, statements that write are noted."""
    writes: list[str] = []

    def watch(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if not sql.lstrip("( \n").startswith(_READS) and not KEPT_BY_READING.match(sql):
            writes.append(sql[:200])
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(watch):
        yield writes
