"""What each operation of the API answers to whom. A route of the API without a row here fails the tests.

The columns as in tests.access.page_answers.
"""

from __future__ import annotations

from tests.access import machine_operations, moving, zones
from tests.access.api_answers import (
    EVERYBODY,
    HOLDERS,
    LISTS,
    MAILBOX,
    MANAGERS,
    MASTERS,
    OPERATORS,
    OWNERS,
    TEAM,
    USERS,
    coded,
)
from tests.access.rows import Row
from tests.as_if import CHECKSUM
from tests.conftest import HASH
from tests.world import SERVICES

OTHER_HASH = HASH[::-1]


THE_SERVICE = {"token_id": "{service_token}"}
ORGANIZATIONS = [
    Row("api:organizations", "GET", LISTS),
    Row("api:organizations", "POST", "401 403 403 403 403 403 201", {"name": "New one"}),
    Row("api:organization", "GET", TEAM),
    Row("api:organization", "PATCH", "401 404 404 403 403 403 200", {"domain_quota": 40}),
    Row("api:organization-suspend", "POST", OPERATORS, {"reason": "Unpaid since May."}),
    Row("api:organization-lift", "POST", OPERATORS),
    Row("api:members", "GET", TEAM),
    Row("api:members", "POST", coded(OWNERS, 201), {"email": "new@people.example", "role": "viewer"}),
    Row("api:member", "GET", TEAM),
    Row("api:member", "PUT", OWNERS, {"role": "manager"}),
    Row("api:service-tokens", "GET", TEAM),
    Row("api:service-token", "GET", TEAM, at=THE_SERVICE),
    # The viewer is that member, and leaves.
    Row("api:member", "DELETE", "401 404 404 204 403 204 204"),
]

DOMAINS = [
    Row("api:domains", "GET", LISTS),
    Row("api:domains", "POST", coded(OWNERS, 201), {"organization": "{organization}", "name": "new.example"}),
    Row("api:domain", "GET", TEAM),
    Row(
        "api:domain",
        "PATCH",
        OWNERS,
        {"requests": "closed", "submission_host": "smtp.home.example", "trash_days": 7},
    ),
    Row("api:trash", "GET", TEAM),
    Row("api:trash-empty", "POST", OWNERS, {"domain": "{domain}"}),
    Row("api:domain-checks", "GET", TEAM),
    Row("api:mail-checks", "GET", TEAM),
    Row("api:mail-check-changes", "GET", TEAM),
    Row("api:mail-checks-again", "POST", coded(MANAGERS, 202), {"check": "mx"}),
    Row(
        "api:mail-checks-mute",
        "POST",
        OWNERS,
        {"line": "mx", "reason": "We move.", "until": "{soon}"},
    ),
    Row("api:mail-checks-unmute", "POST", OWNERS, {"line": "spf"}),
    Row("api:mail-checks-elsewhere", "PUT", OWNERS, {"elsewhere": True}),
    Row("api:repository", "GET", TEAM),
    Row(
        "api:repository",
        "PUT",
        coded(OWNERS, 201),
        {"host": "git.{bare}", "username": "git", "path": "relay.git", "branch": "main", "reload": "hand"},
        at={"domain": "{bare}"},
    ),
    Row("api:repository", "PATCH", OWNERS, {"restart_quiet": 60, "restart_apart": 900}),
    Row("api:readers", "GET", TEAM),
    Row("api:readers", "POST", coded(OWNERS, 201), {"unikernel": "{stopped}", "role": "relay"}),
    Row("api:reader", "GET", TEAM),
    Row("api:reader", "DELETE", coded(OWNERS, 204)),
    Row("api:readers-restart", "POST", MANAGERS),
    Row("api:request-rules", "GET", TEAM),
    Row(
        "api:request-rules",
        "PATCH",
        OWNERS,
        {
            "pattern": "*.*",
            "mail_domains": ["home.example"],
            "most": 5,
            "most_each": 2,
            "decide_within_days": 9,
            "count_anew": True,
        },
    ),
    Row("api:domain-offer", "GET", TEAM),
    Row("api:domain-offer", "POST", coded(OWNERS, 201), {"days": 14}, at={"domain": "{bare}"}),
    Row("api:domain-offer", "DELETE", coded(OWNERS, 204), at={"domain": "{offered}"}),
    Row("api:domain-hand-over", "POST", OPERATORS, {"organization": "{spare}"}, at={"domain": "{offered}"}),
    Row("api:organization-take-over", "POST", OWNERS, {"code": "{offer_code}"}),
    Row("api:domain-roles", "GET", TEAM),
    Row("api:domain-roles", "POST", coded(OWNERS, 201), {"email": "new@people.example", "role": "decider"}),
    Row("api:domain-role", "GET", TEAM),
    Row("api:domain-role", "DELETE", coded(OWNERS, 204)),
    Row("api:invitations", "GET", TEAM),
    Row(
        "api:invitations",
        "POST",
        coded(MANAGERS, 201),
        {
            "note": "The new intern",
            "email": "intern@home.example",
            "local_part": "intern",
            "approved": True,
            "uses": 1,
            "days": 7,
        },
    ),
    Row("api:alias-rules", "GET", TEAM),
    Row(
        "api:alias-rules",
        "PUT",
        OWNERS,
        {"allowed": True, "pattern": "{{own}}.*", "most_each": 3, "longest_days": 30},
    ),
    Row("api:held-names", "GET", TEAM),
    Row(
        "api:held-names",
        "POST",
        coded(MANAGERS, 201),
        {"local_part": "used-up", "kind": "never", "reason": "Old"},
    ),
    Row("api:held-name", "GET", TEAM),
    Row("api:held-name", "DELETE", coded(OWNERS, 204)),
    Row("api:host-key", "POST", OWNERS, {"fingerprint": "{fingerprint}"}),
]

MAILBOXES = [
    Row("api:domain-mailboxes", "GET", TEAM),
    Row(
        "api:domain-mailboxes",
        "POST",
        coded(MANAGERS, 201),
        {
            "local_part": "mary",
            "targets": ["mary@home.example"],
            "password_hash": HASH,
            "note": "Analyst",
            "expires_at": "2030-01-31T00:00:00Z",
            "accept_shared": False,
        },
    ),
    Row(
        "api:domain-import",
        "POST",
        MANAGERS,
        {
            "addresses": [{"address": "mary", "targets": ["mary@home.example"]}],
            "vouched": False,
            "leave_out_refused": False,
        },
    ),
    Row(
        "api:domain-many",
        "POST",
        MANAGERS,
        {"action": "set_note", "addresses": ["ada@{domain}"], "note": "Analyst", "leave_out_refused": True},
    ),
    Row(
        "api:domain-aliases",
        "POST",
        "401 404 201 403 201 201 201",
        {
            "local_part": "ada-shop",
            "delivers_to": ["ada"],
            "targets": ["shop@home.example"],
            "note": "Shops",
            "expires_at": "2030-01-31T00:00:00Z",
        },
    ),
    Row("api:mailbox-deliveries", "PUT", MANAGERS, {"delivers_to": []}, at={"address": "team@{domain}"}),
    Row("api:mailbox-reach", "GET", MAILBOX),
    Row("api:mailbox-expiry", "PUT", MASTERS, {"expires_at": "2030-01-31T00:00:00Z"}),
    Row("api:mailbox-extend", "POST", MANAGERS, at={"address": "team@{domain}"}),
    Row("api:mailbox", "GET", MAILBOX),
    Row("api:mailbox", "PATCH", MASTERS, {"note": "Analyst", "enabled": False}),
    Row("api:mailbox", "DELETE", USERS),
    Row("api:mailbox-holders", "GET", MAILBOX),
    Row("api:mailbox-holders", "POST", coded(MASTERS, 201), {"email": "new@people.example"}),
    # Who holds it alone switches it off first, the team does not.
    Row(
        "api:mailbox-holder",
        "DELETE",
        "401 404 409 403 204 204 204",
        at={"email": "{holder}"},
    ),
    Row("api:mailbox-hand-over", "POST", MASTERS, {"email": "new@home.example"}),
    Row("api:mailbox-own-note", "PUT", HOLDERS, {"note": "for letters"}),
    Row("api:mailbox-activity", "GET", MAILBOX),
    Row("api:mailbox-restore", "POST", MANAGERS, at={"address": "babbage@{domain}"}),
    Row(
        "api:mailbox-purge",
        "POST",
        OWNERS,
        {"address": "babbage@{domain}"},
        at={"address": "babbage@{domain}"},
    ),
    Row("api:mailbox-passphrase", "PUT", USERS, {"password_hash": OTHER_HASH}),
    Row("api:mailbox-targets", "GET", MAILBOX),
    Row(
        "api:mailbox-targets",
        "POST",
        coded(USERS, 201),
        {"address": "third@home.example", "accept_shared": False},
    ),
    Row("api:mailbox-target", "DELETE", USERS),
    Row("api:mailbox-cautions", "GET", MAILBOX),
    Row(
        "api:mailbox-target-accept",
        "POST",
        MANAGERS,
        at={"address": "mixed@{domain}", "target_address": "south@south.shared.example"},
    ),
    Row("api:mailbox-target-confirmation", "POST", coded(USERS, 202)),
]

REQUESTS = [
    Row("api:requests", "GET", LISTS),
    Row("api:request", "GET", TEAM),
    Row("api:request-approve", "POST", MANAGERS),
    Row("api:request-refuse", "POST", MANAGERS, {"reason": "This name is kept."}),
    Row("api:requests-refuse", "POST", MANAGERS, {"requests": ["{request}"], "reason": "This name is kept."}),
    Row("api:invitation", "GET", TEAM),
    Row("api:invitation-withdraw", "POST", MANAGERS),
]

# Without a sign-in, and with one as if there were none.
PUBLIC = [
    Row(
        "api:public-requests",
        "POST",
        coded(EVERYBODY, 202),
        {"local_part": "mary", "target": "mary@home.example", "password_hash": HASH, "message": "Hello"},
    ),
    Row("api:public-invitation", "GET", EVERYBODY, at={"token": "{invited}"}),
    Row(
        "api:public-invitation-requests",
        "POST",
        coded(EVERYBODY, 202),
        {"local_part": "mary", "target": "mary@home.example", "password_hash": HASH, "message": "Hello"},
        at={"token": "{invited}"},
    ),
    Row("api:public-decision", "GET", EVERYBODY, at={"token": "{deciding}"}),
    Row(
        "api:public-decision",
        "POST",
        EVERYBODY,
        {"decision": "refuse", "reason": "This name is kept."},
        at={"token": "{deciding}"},
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
    Row("api:targets-let-all-go", "POST", "401 403 403 403 403 403 200"),
    Row("api:target-let-go", "POST", OPERATORS, {"mode": "before"}, at={"target_id": "{held_target}"}),
    Row("api:findings", "GET", TEAM),
    Row("api:findings-decide", "POST", coded(OWNERS, 202), {"decision": "adopt", "units": ["foreign"]}),
    Row("api:runs", "GET", LISTS),
    Row("api:run", "GET", TEAM),
    Row("api:run-agree", "POST", OWNERS, {"checksum": CHECKSUM}),
    Row("api:events", "GET", LISTS),
    Row("api:event", "GET", MAILBOX),
    Row("api:event-undo", "GET", MAILBOX),
    Row("api:event-undo", "POST", coded(USERS, 201)),
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
    Row("api:account-export", "GET", LISTS),
    Row("api:tokens", "GET", LISTS),
]

TOKEN = {
    "name": "backup",
    "kinds": ["mailbox"],
    "verbs": ["create"],
    "networks": ["192.0.2.0/24"],
    "read_only": True,
    "days": 30,
    "idle_days": 7,
}
SERVICE_TOKEN = {**TOKEN, "role": "manager"}
# What only a person in a browser may do, and what a program's token is told instead.
IN_A_BROWSER = [
    # The last owner of an organization stays.
    Row("api:account", "DELETE", "401 409 204 204 204 409 409"),
    Row("api:tokens", "POST", coded(LISTS, 201), TOKEN),
    Row("api:token", "GET", "401 404 404 404 404 200 404"),
    Row("api:token", "DELETE", "401 404 404 404 404 204 404"),
    Row("api:service-tokens", "POST", coded(OWNERS, 201), SERVICE_TOKEN),
    Row("api:service-token", "DELETE", coded(OWNERS, 204), at=THE_SERVICE),
    Row("api:sessions", "GET", LISTS),
    Row("api:session", "DELETE", coded(LISTS, 404)),
    Row("api:sessions-others", "POST", LISTS),
    Row("api:notices", "GET", LISTS),
    Row("api:notices-read", "POST", LISTS),
    Row("api:notice-choices", "GET", LISTS),
    Row("api:notice-choices", "PUT", LISTS, {"kind": "checks_turned", "delivery": "daily"}),
]
BY_A_TOKEN = [
    Row("api:account", "DELETE", coded(LISTS, 403)),
    Row("api:tokens", "POST", coded(LISTS, 403), TOKEN),
    Row("api:token", "GET", coded(LISTS, 404)),
    Row("api:token", "DELETE", coded(LISTS, 404)),
    Row("api:service-tokens", "POST", "401 404 404 403 403 403 403", SERVICE_TOKEN),
    Row("api:service-token", "DELETE", "401 404 404 403 403 403 403", at=THE_SERVICE),
    Row("api:sessions", "GET", coded(LISTS, 403)),
    Row("api:session", "DELETE", coded(LISTS, 404)),
    Row("api:sessions-others", "POST", coded(LISTS, 403)),
    # A narrowed key has none.
    Row("api:notices", "GET", LISTS),
    Row("api:notices-read", "POST", LISTS),
    Row("api:notice-choices", "GET", LISTS),
    Row("api:notice-choices", "PUT", LISTS, {"kind": "checks_turned", "delivery": "daily"}),
]

# About the API itself; not described in its own document.
ABOUT = [
    Row("api:schema", "GET", EVERYBODY),
    Row("api:docs", "GET", EVERYBODY),
]

STACK = {
    "host": "{share}",
    "network": "{network}",
    "public_address": "{public}",
    "images": {},
    "services": SERVICES,
    "submission_host": "",
    "selector": "s1",
    "git_address": "",
    "certificates": "staging",
    "open_relay": False,
}
HALF, READY = {"domain": "{stacked}"}, {"domain": "{ready}"}
STILL, GOING = {"domain": "{upgradable}"}, {"domain": "{upgrading}"}
UPGRADE = {"images": {"relay": "{image}"}}

STACKS = [
    Row("api:stacks", "GET", LISTS),
    Row("api:stack", "GET", TEAM, at=HALF),
    Row("api:stack", "PUT", coded(OWNERS, 201), {**STACK, "plan": "{plan}"}, at=READY),
    Row("api:stack", "DELETE", coded(OWNERS, 202), at=HALF),
    Row("api:stack-plan", "POST", OWNERS, STACK, at=READY),
    Row("api:stack-cancel", "POST", OWNERS, at=HALF),
    Row("api:stack-resume", "POST", OWNERS, at={"domain": "{halted}"}),
    Row("api:stack-retry", "POST", OWNERS, {"phase": "git"}, at=HALF),
    Row("api:stack-upgrade", "GET", TEAM, at=GOING),
    Row(
        "api:stack-upgrade",
        "POST",
        coded(OWNERS, 201),
        {**UPGRADE, "plan": "{upgrade_plan}", "note": "A newer relay."},
        at=STILL,
    ),
    Row("api:stack-upgrade-plan", "POST", OWNERS, UPGRADE, at=STILL),
    Row("api:stack-upgrade-back", "POST", OWNERS, at=GOING),
    Row("api:stack-release-plan", "POST", OWNERS, at=STILL | {"number": "2"}),
    Row(
        "api:stack-release-current",
        "POST",
        coded(OWNERS, 201),
        {"plan": "{return_plan}"},
        at=STILL | {"number": "2"},
    ),
    Row("api:stack-open-relay", "PUT", OWNERS, {"open_relay": True, "reason": "a test"}, at=HALF),
    Row("api:stack-canary", "GET", TEAM, at=HALF),
    Row("api:stack-canary", "PUT", coded(OWNERS, 201), at=HALF),
    Row("api:stack-canary-history", "GET", TEAM, at=HALF),
    Row("api:stack-letters", "GET", TEAM, at=STILL),
    Row("api:stack-letters", "POST", coded(OWNERS, 202), {"way": "in"}, at=STILL),
    Row("api:stack-letter", "GET", TEAM, at=STILL | {"letter_id": "{letter}"}),
    Row("api:stack-releases", "GET", TEAM, at=HALF),
    Row("api:stack-release", "GET", TEAM, at=HALF),
    Row("api:host-public-addresses", "GET", TEAM),
    Row("api:host-public-addresses", "POST", coded(OWNERS, 201), {"address": "192.0.2.93"}),
    Row("api:host-public-address", "DELETE", coded(OWNERS, 204)),
]

AS_IT_RUNS = {
    "public_address": "{public}",
    "services": {role: address for role, address in SERVICES.items() if role != "relay"},
}
INSTALLATIONS = [
    Row("api:installation", "GET", TEAM),
    Row("api:installation", "POST", coded(OWNERS, 202), {"host": "{share}"}),
    Row("api:installation-plan", "POST", OWNERS, AS_IT_RUNS, at=READY),
    Row("api:installation-stack", "POST", coded(OWNERS, 201), {**AS_IT_RUNS, "plan": "{adoption}"}, at=READY),
    Row("api:installation-rules", "POST", OWNERS, at=HALF),
]

ROWS = [
    *ORGANIZATIONS,
    *DOMAINS,
    *MAILBOXES,
    *REQUESTS,
    *PUBLIC,
    *CONTROLLER,
    *INSTALLATIONS,
    *machine_operations.ROWS,
    *STACKS,
    *ACCOUNT,
    *zones.OPERATIONS,
    *moving.OPERATIONS,
]
# Addresses under the API that are none; the same for every method.
NOWHERE = "api:nowhere"
