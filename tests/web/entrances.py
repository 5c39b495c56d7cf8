"""Every way into the panel, walked up to where the second step is asked for.

The register is complete by a test: whatever begins a session, or makes a link that signs in, is named here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.test import Client

from tenants.actions import accounts, domain_roles, holders, mailboxes, organizations
from tenants.actor import Actor
from tenants.models import Account, Domain
from tests.web.people import link_in, mails_to

PASSWORD = "quartz slope vivid ferry"
PROJECT = Path(__file__).resolve().parents[2]
# What makes a session or a link that leads to one.
BEGIN = {"login", "alogin", "begin_session", "finish_entering", "enter_panel"}
LINKS = {"_new_link", "first_link", "sign_in_url", "create_operator"}
Walk = Callable[[Client, Account], Any]


def by_password(client: Client, account: Account) -> Any:
    account.set_password(PASSWORD)
    account.save()
    return client.post("/sign-in", {"way": "password", "email": account.email, "password": PASSWORD})


def by_link(client: Client, account: Account) -> Any:
    """Asked for in another browser: one in which somebody is signed in asks for none."""
    Client().post("/sign-in", {"way": "link", "email": account.email})
    return press(client, account)


def by_invitation(client: Client, account: Account) -> Any:
    """Into the team of an organization."""
    organization = organizations.create_organization(actor=Actor.rookery(), name="One more")
    organizations.add_member(
        actor=Actor.rookery(), organization=organization, email=account.email, role="viewer"
    )
    return press(client, account)


def by_address(client: Client, account: Account) -> Any:
    """To hold an address."""
    domain = Domain.objects.get(name="example.org")
    mailbox = mailboxes.create_mailbox(
        actor=Actor.rookery(), domain=domain, local_part="shared", targets=["x@home.example"]
    )
    holders.add_holder(actor=Actor.rookery(), mailbox=mailbox, email=account.email)
    return press(client, account)


def by_role(client: Client, account: Account) -> Any:
    """To do one part in one domain."""
    domain = Domain.objects.get(name="example.org")
    domain_roles.give_domain_role(actor=Actor.rookery(), domain=domain, email=account.email, role="decider")
    return press(client, account)


def by_command_line(client: Client, account: Account) -> Any:
    """The first link of an operator, as `manage.py operator` and `manage.py up` print it."""
    _, link = accounts.create_operator(actor=Actor.rookery(), email=account.email, accept_hosted=True)
    return client.post(link[link.index("/sign-in/") :])


def press(client: Client, account: Account) -> Any:
    return client.post(link_in(mails_to(account.email)[-1], "/sign-in/"))


# A first step → how it is walked.
FIRST_STEPS: dict[str, Walk] = {
    "panel/web/sign_in.py _by_password": by_password,
    "panel/web/sign_in.py sign_in_link": by_link,
    "tenants/actions/accounts.py _write_link": by_link,
    "tenants/actions/organizations.py _welcome": by_invitation,
    "tenants/actions/holders.py _welcome": by_address,
    "tenants/actions/domain_roles.py _welcome": by_role,
    "tenants/actions/accounts.py create_operator": by_command_line,
    "panel/management/commands/operator.py handle": by_command_line,
}
# Each way once, in an order that every process of a test run agrees on.
WAYS = tuple(dict.fromkeys(FIRST_STEPS.values()))
# They ask for the second factor themselves, see tests.web.test_second_step.
GUARDED = {
    "panel/web/fresh.py _by_password",
    "panel/web/fresh.py _by_code",
    "panel/web/fresh.py _by_passkey",
    "panel/web/second_step.py _by_passkey",
    # Both steps at once, see tests.web.test_passkeys.
    "panel/web/passkeys.py sign_in_by_passkey",
    "panel/web/account.py account_password",
    "panel/web/factors.py code_app",
    "panel/web/second_step.py second_step",
}
# What the others stand on.
INNER = {
    "panel/web/entering.py begin_session",
    "panel/web/entering.py finish_entering",
    "panel/web/entering.py enter_panel",
    "tenants/actions/accounts.py first_link",
}


def found() -> set[str]:
    """`file function` of whatever calls one of the names above."""
    paths = [path for folder in ("panel", "tenants", "workers") for path in (PROJECT / folder).rglob("*.py")]
    return {f"{path.relative_to(PROJECT)} {name}" for path in paths for name in _callers(path)}


def _callers(path: Path) -> Iterator[str]:
    text = path.read_text()
    if not any(f"{name}(" in text for name in BEGIN | LINKS):
        return
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                if name in BEGIN | LINKS:
                    yield function.name
