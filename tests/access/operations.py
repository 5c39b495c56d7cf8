"""What each operation of the API answers to whom. A route of the API without a row here fails the tests.

The columns as in tests.access.pages.
"""

from __future__ import annotations

from tests.access.rows import Row
from tests.conftest import HASH
from tests.world import CHECKSUM

EVERYBODY = "200 200 200 200 200 200 200"
#            an. str hol vie man own ope
LISTS = "    401 200 200 200 200 200 200"  # of what one may see
TEAM = "     401 404 404 200 200 200 200"
MAILBOX = "  401 404 200 200 200 200 200"
USERS = "    401 404 200 403 200 200 200"  # the holder's own, too
MASTERS = "  401 404 403 403 200 200 200"  # its holder may see it only
MANAGERS = " 401 404 404 403 200 200 200"
OWNERS = "   401 404 404 403 403 200 200"

OTHER_HASH = HASH[::-1]


def coded(answers: str, code: int) -> str:
    """The same, where what is done answers otherwise than 200."""
    return answers.replace("200", str(code))


ORGANIZATIONS = [
    Row("api:organizations", "GET", LISTS),
    Row("api:organizations", "POST", "401 403 403 403 403 403 201", {"name": "New one"}),
    Row("api:organization", "GET", TEAM),
    Row("api:organization", "PATCH", "401 404 404 403 403 403 200", {"domain_quota": 4}),
    Row("api:members", "GET", TEAM),
    Row("api:members", "POST", coded(OWNERS, 201), {"email": "new@people.example", "role": "viewer"}),
    Row("api:member", "GET", TEAM),
    Row("api:member", "PUT", OWNERS, {"role": "manager"}),
    Row("api:member", "DELETE", coded(OWNERS, 204)),
]

DOMAINS = [
    Row("api:domains", "GET", LISTS),
    Row("api:domains", "POST", coded(OWNERS, 201), {"organization": "{organization}", "name": "new.example"}),
    Row("api:domain", "GET", TEAM),
    Row("api:domain", "PATCH", OWNERS, {"requests": "closed", "submission_host": "smtp.home.example"}),
    Row("api:repository", "GET", TEAM),
    Row(
        "api:repository",
        "PUT",
        coded(OWNERS, 201),
        {"host": "git.{bare}", "username": "git", "path": "relay.git", "branch": "main", "reload": "hand"},
        at={"domain": "{bare}"},
    ),
    Row("api:host-key", "POST", OWNERS, {"fingerprint": "{fingerprint}"}),
]

MAILBOXES = [
    Row("api:domain-mailboxes", "GET", TEAM),
    Row(
        "api:domain-mailboxes",
        "POST",
        coded(MANAGERS, 201),
        {"local_part": "mary", "targets": ["mary@home.example"], "password_hash": HASH, "note": "Analyst"},
    ),
    Row("api:mailbox", "GET", MAILBOX),
    Row("api:mailbox", "PATCH", MASTERS, {"note": "Analyst", "enabled": False}),
    Row("api:mailbox", "DELETE", MASTERS),
    Row("api:mailbox-restore", "POST", MANAGERS, at={"address": "babbage@{domain}"}),
    Row("api:mailbox-passphrase", "PUT", USERS, {"password_hash": OTHER_HASH}),
    Row("api:mailbox-targets", "GET", MAILBOX),
    Row("api:mailbox-targets", "POST", coded(USERS, 201), {"address": "third@home.example"}),
    Row("api:mailbox-target", "DELETE", USERS),
    Row("api:mailbox-target-confirmation", "POST", coded(USERS, 202)),
]

REQUESTS = [
    Row("api:requests", "GET", LISTS),
    Row("api:request", "GET", TEAM),
    Row("api:request-approve", "POST", MANAGERS),
    Row("api:request-refuse", "POST", MANAGERS, {"reason": "This name is kept."}),
]

# Without a sign-in, and with one as if there were none.
PUBLIC = [
    Row(
        "api:public-requests",
        "POST",
        coded(EVERYBODY, 202),
        {"local_part": "mary", "target": "mary@home.example", "password_hash": HASH, "message": "Hello"},
    ),
    Row("api:public-request", "GET", EVERYBODY),
    Row("api:public-request-withdraw", "POST", EVERYBODY),
    Row("api:public-request-confirm", "POST", EVERYBODY, {"token": "{asked}"}),
    Row("api:public-target-confirm", "POST", EVERYBODY, {"token": "{target_token}"}),
]

CONTROLLER = [
    Row("api:targets", "GET", LISTS),
    Row("api:target", "GET", TEAM),
    Row("api:target-check", "POST", coded(MANAGERS, 202)),
    Row("api:target-preview", "POST", coded(MANAGERS, 202)),
    Row("api:target-drift-mode", "PUT", OWNERS, {"drift_mode": "repair"}),
    Row("api:target-reload-confirmed", "POST", OWNERS),
    Row("api:findings", "GET", TEAM),
    Row("api:findings-decide", "POST", coded(OWNERS, 202), {"decision": "adopt", "units": ["foreign"]}),
    Row("api:runs", "GET", LISTS),
    Row("api:run", "GET", TEAM),
    Row("api:run-agree", "POST", OWNERS, {"checksum": CHECKSUM}),
    Row("api:events", "GET", LISTS),
]

ACCOUNT = [
    # Each operation in it is asked by itself what it may; all of them, or none.
    Row(
        "api:bulk",
        "POST",
        "401 422 422 422 200 200 200",
        {"operations": [{"method": "PATCH", "path": "mailboxes/ada@{domain}/", "body": {"note": "Analyst"}}]},
    ),
    # Who made a change waits for it, and nobody else.
    Row("api:change", "GET", "401 404 404 404 404 200 404"),
    Row("api:account", "GET", LISTS),
    Row("api:tokens", "GET", LISTS),
]

TOKEN = {
    "name": "backup",
    "kinds": ["mailbox"],
    "verbs": ["create"],
    "networks": ["192.0.2.0/24"],
    "read_only": True,
    "days": 30,
}
# What only a person in a browser may do, and what a program's token is told instead.
IN_A_BROWSER = [
    Row("api:tokens", "POST", coded(LISTS, 201), TOKEN),
    Row("api:token", "GET", "401 404 404 404 404 200 404"),
    Row("api:token", "DELETE", "401 404 404 404 404 204 404"),
]
BY_A_TOKEN = [
    Row("api:tokens", "POST", coded(LISTS, 403), TOKEN),
    Row("api:token", "GET", coded(LISTS, 404)),
    Row("api:token", "DELETE", coded(LISTS, 404)),
]

# About the API itself; not described in its own document.
ABOUT = [
    Row("api:schema", "GET", EVERYBODY),
    Row("api:docs", "GET", EVERYBODY),
]

ROWS = [*ORGANIZATIONS, *DOMAINS, *MAILBOXES, *REQUESTS, *PUBLIC, *CONTROLLER, *ACCOUNT]
# Addresses under the API that are none; the same for every method.
NOWHERE = "api:nowhere"
