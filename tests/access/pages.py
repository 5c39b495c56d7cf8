"""What each page answers to whom. A route of the panel without a row here fails the tests.

The columns: anonymous, a stranger (owner of another organization), the holder of ada@…, a viewer, a manager,
an owner, an operator. `in`: led to the sign-in; `to`: done, led on.
"""

from __future__ import annotations

from tests.access.rows import Row
from tests.conftest import HASH

EVERYBODY = "200 200 200 200 200 200 200"
PRESSED = " to  to  to  to  to  to  to"
NOWHERE = "404 404 404 404 404 404 404"
SIGNED_IN = " in 200 200 200 200 200 200"

#            an. str hol vie man own ope
TEAM = "      in 404 404 200 200 200 200"
MAILBOX = "   in 404 200 200 200 200 200"
USERS = "     in 404  to 403  to  to  to"  # the holder's own, too
MASTERS = "   in 404 403 403  to  to  to"  # its holder may see it only
HOLDERS = "   in 404  to 403 403 403 403"  # theirs alone
MANAGERS = "  in 404 404 403  to  to  to"
OWNERS = "    in 404 404 403 403  to  to"
OPERATORS = " in 404 404 403 403 403  to"

OTHER_HASH = HASH[::-1]

PUBLIC = [
    Row("sign-in", "GET", "200 to to to to to to"),
    Row("sign-in", "POST", "200 to to to to to to", {"email": "ada@home.example"}),
    Row("sign-in-link", "GET", EVERYBODY, at={"token": "{link}"}),
    Row("sign-in-link", "POST", PRESSED, at={"token": "{link}"}),
    Row("sign-out", "POST", "in in in in in in in"),
    Row("ask", "GET", EVERYBODY),
    Row(
        "ask",
        "POST",
        PRESSED,
        {"local_part": "mary", "target": "mary@home.example", "password_hash": HASH, "message": "Hello"},
    ),
    Row("ask-lost", "GET", EVERYBODY),
    Row("invited", "GET", EVERYBODY, at={"token": "{invited}"}),
    Row(
        "invited",
        "POST",
        PRESSED,
        {"local_part": "mary", "target": "mary@home.example", "password_hash": HASH, "message": "Hello"},
        at={"token": "{invited}"},
    ),
    Row("decide", "GET", EVERYBODY, at={"token": "{deciding}"}),
    Row("decide", "POST", EVERYBODY, {"decision": "approve"}, at={"token": "{deciding}"}),
    Row("asked", "GET", EVERYBODY),
    Row("asked-fragment", "GET", EVERYBODY),
    Row("asked-withdraw", "GET", EVERYBODY),
    Row("asked-withdraw", "POST", PRESSED),
    Row("asked-confirm", "GET", EVERYBODY, at={"token": "{asked}"}),
    Row("asked-confirm", "POST", EVERYBODY, at={"token": "{asked}"}),
    Row("confirm-target", "GET", EVERYBODY, at={"token": "{target_token}"}),
    Row("confirm-target", "POST", EVERYBODY, at={"token": "{target_token}"}),
    Row("autoconfig", "GET", EVERYBODY, query={"emailaddress": "anybody@{domain}"}),
    Row("autoconfig-well-known", "GET", EVERYBODY, query={"emailaddress": "anybody@{domain}"}),
    Row("healthz", "GET", EVERYBODY),
    Row("readyz", "GET", EVERYBODY),
    # There is no such page outside the sandbox.
    Row("sandbox-mail", "GET", NOWHERE),
    Row("sandbox-letter", "GET", NOWHERE),
]

OWN = [
    Row("own-addresses", "GET", SIGNED_IN),
    Row("account", "GET", SIGNED_IN),
    Row("account-export", "GET", SIGNED_IN),
    Row("account-delete", "GET", SIGNED_IN),
    # The last owner and the last operator are told why not.
    Row("account-delete", "POST", "in 400 400 400 400 400 400", {"email": "somebody@else.example"}),
    Row("account-leave", "POST", "in 404 404 to to to 404"),
    Row("account-password", "POST", "in to to to to to to", {"password": "ferry-lantern-otter"}),
    Row("account-tokens", "GET", SIGNED_IN),
    Row(
        "account-tokens",
        "POST",
        SIGNED_IN,
        {
            "name": "backup",
            "organization": "",
            "domain": "",
            "kinds": ["mailbox"],
            "verbs": ["create"],
            "networks": "192.0.2.0/24",
            "days": "30",
        },
    ),
    Row("account-token-revoke", "POST", "in 404 404 404 404 to 404"),
    Row("mail-program", "GET", MAILBOX),
    Row("mail-program", "POST", USERS, {}),
]

PANEL = [
    Row("overview", "GET", "in 200 to 200 200 200 200"),
    Row("activity", "GET", SIGNED_IN),
    Row("activity-download", "GET", SIGNED_IN),
    Row("event", "GET", MAILBOX),
    Row("event-undo", "POST", USERS),
    Row("search", "GET", SIGNED_IN, query={"q": "ada"}),
    Row("organizations", "GET", SIGNED_IN),
    Row("organization-new", "GET", "in 403 403 403 403 403 200"),
    Row("organization-new", "POST", "in 403 403 403 403 403 to", {"name": "Another Society"}),
    Row("organization-switch", "POST", "in 404 404 to to to to", {"organization": "{organization}"}),
    Row("organization", "GET", TEAM),
    Row("organization-activity", "GET", TEAM),
    Row("organization-quotas", "POST", OPERATORS, {"domain_quota": "4", "mailbox_quota": "40"}),
    Row("member-add", "POST", OWNERS, {"email": "new@people.example", "role": "viewer"}),
    Row("member-remove", "POST", OWNERS),
    Row("domains", "GET", SIGNED_IN),
    # Everybody who may add a domain somewhere sees the form, with those places only to choose from.
    Row("domain-new", "GET", "in 200 403 403 403 200 200"),
    Row(
        "domain-new",
        "POST",
        "in 400 403 403 403 to to",
        {"organization": "{organization}", "name": "new.example"},
    ),
    Row("domain", "GET", TEAM),
    Row("domain-requests", "GET", TEAM),
    Row("domain-invitations", "GET", TEAM),
    Row(
        "domain-invitations",
        "POST",
        "in 404 404 403 200 200 200",
        {
            "note": "The new intern",
            "email": "intern@home.example",
            "local_part": "intern",
            "approved": "on",
            "uses": "1",
            "days": "7",
        },
    ),
    Row("domain-invitation-withdraw", "POST", MANAGERS),
    Row("domain-request-rules", "GET", TEAM),
    Row(
        "domain-request-rules",
        "POST",
        OWNERS,
        {
            "pattern": "*.*",
            "mail_domains": "home.example",
            "most": "5",
            "most_each": "2",
            "decide_within_days": "9",
            "count_anew": "on",
        },
    ),
    Row("domain-checks", "GET", TEAM),
    Row("domain-activity", "GET", TEAM),
    Row("domain-settings", "GET", TEAM),
    Row("domain-trash", "GET", TEAM),
    Row("trash-empty", "POST", OWNERS, {"domain": "{domain}"}),
    Row("trash-days", "GET", "in 404 404 403 403 200 200"),
    Row("trash-days", "POST", OWNERS, {"days": "7"}),
    Row("domain-settings", "POST", OWNERS, {"requests": "closed", "submission_host": "smtp.home.example"}),
    Row("domain-alias-rules", "GET", TEAM),
    Row(
        "domain-alias-rules",
        "POST",
        OWNERS,
        {"allowed": "on", "pattern": "{{own}}.*", "most_each": "3", "longest_days": "30"},
    ),
    Row("domain-names", "GET", TEAM),
    Row("domain-names", "POST", MANAGERS, {"local_part": "used-up", "kind": "never", "reason": "Old"}),
    Row("domain-name-release", "POST", OWNERS),
    Row("repository", "GET", TEAM),
    Row("repository-new", "GET", "in 404 404 403 403 200 200", at={"domain": "{bare}"}),
    Row(
        "repository-new",
        "POST",
        OWNERS,
        {"host": "git.{bare}", "port": "22", "username": "git", "path": "relay.git", "branch": "main"},
        at={"domain": "{bare}"},
    ),
    Row("repository-pin", "POST", OWNERS, {"fingerprint": "{fingerprint}", "host_name": ""}),
    Row("repository-look", "POST", MANAGERS),
    Row("repository-preview", "POST", MANAGERS),
    Row("repository-drift-mode", "POST", OWNERS, {"mode": "repair"}),
    Row("repository-restarted", "POST", OWNERS),
    Row("findings", "GET", TEAM),
    Row("findings-decide", "POST", OWNERS, {"decision": "adopt", "unit": "foreign"}),
    Row("addresses", "GET", TEAM),
    Row("address-row", "GET", TEAM),
    Row("address-new", "GET", "in 404 404 403 200 200 200"),
    Row(
        "address-new",
        "POST",
        MANAGERS,
        {"local_part": "mary", "targets": "mary@home.example", "note": "Analyst", "password_hash": HASH},
    ),
    Row("alias-new", "GET", "in 404 200 403 200 200 200"),
    Row(
        "alias-new",
        "POST",
        "in 404 to 403 to to to",
        {
            "local_part": "ada-shop",
            "delivers_to": ["ada"],
            "targets": "shop@home.example",
            "expires_on": "2030-01-31",
            "note": "Shops",
        },
    ),
    Row("alias-deliveries", "GET", "in 404 404 403 200 200 200", at={"local_part": "team"}),
    Row("alias-deliveries", "POST", MANAGERS, {"delivers_to": []}, at={"local_part": "team"}),
    Row("address-expiry", "GET", MAILBOX),
    Row("address-expiry", "POST", MASTERS, {"expires_on": "2030-01-31"}),
    Row("address-extend", "POST", MANAGERS, at={"local_part": "team"}),
    Row("addresses-offered", "POST", MANAGERS, {"names": ["abuse"], "target": "mary@home.example"}),
    Row("addresses-csv", "GET", TEAM),
    Row("addresses-json", "GET", TEAM),
    Row(
        "addresses-many", "POST", "in 404 404 403 200 200 200", {"action": "switch_off", "pk": ["{mailbox}"]}
    ),
    Row("addresses-import", "GET", "in 404 404 403 200 200 200"),
    Row("addresses-import", "POST", MANAGERS, {"pasted": "address\nmary"}),
    # A preview is its maker's alone: in these worlds the owner's.
    Row("addresses-import-page", "GET", "in 404 404 403 404 200 404"),
    Row("addresses-import-problems", "GET", "in 404 404 403 404 200 404"),
    Row("addresses-import-apply", "POST", "in 404 404 403 404 to 404", {"digest": "{digest}"}),
    Row("addresses-import-discard", "POST", "in 404 404 403 404 to 404"),
    Row("address", "GET", MAILBOX),
    Row("address-history", "GET", MAILBOX),
    Row("address-delete", "GET", "in 404 404 403 403 200 200", at={"local_part": "babbage"}),
    Row(
        "address-delete",
        "POST",
        OWNERS,
        {"address": "babbage@{domain}"},
        at={"local_part": "babbage"},
    ),
    Row("address-fragment", "GET", MAILBOX),
    Row("address-live", "GET", "401 404 200 200 200 200 200"),
    Row("address-switch", "POST", USERS, {"on": "0"}),
    Row("address-trash", "POST", USERS),
    Row("address-holder-add", "POST", MASTERS, {"email": "new@people.example"}),
    Row("address-holder-remove", "POST", USERS, {"email": "{holder}"}),
    Row("address-hand-over", "GET", "in 404 403 403 200 200 200"),
    Row("address-hand-over", "POST", MASTERS, {"email": "new@home.example"}),
    Row("address-own-note", "POST", HOLDERS, {"own_note": "for letters"}),
    Row("address-delete-own", "GET", "in 404 200 403 403 403 403"),
    Row("address-delete-own", "POST", HOLDERS, {"address": "ada@{domain}"}),
    Row("address-restore", "POST", MANAGERS, at={"local_part": "babbage"}),
    Row("address-target-add", "POST", USERS, {"address": "third@home.example"}),
    Row("address-target-remove", "POST", USERS, {"address": "second@home.example"}),
    Row("address-target-again", "POST", USERS, {"address": "second@home.example"}),
    Row(
        "address-target-accept",
        "POST",
        MANAGERS,
        {"address": "south@south.shared.example"},
        at={"local_part": "mixed"},
    ),
    Row("address-passphrase", "POST", USERS, {"password_hash": OTHER_HASH}),
    Row("address-note", "POST", MASTERS, {"note": "Analyst"}),
    Row("requests", "GET", SIGNED_IN),
    Row("request", "GET", TEAM),
    Row("request-approve", "POST", MANAGERS),
    Row("request-refuse", "POST", MANAGERS, {"reason": "This name is kept."}),
    # A list of one's own: what one may not see is no choice in it.
    Row(
        "requests-refuse",
        "POST",
        "in 400 400 403 to to to",
        {"request": "{request}", "reason": "This name is kept."},
    ),
    Row("runs", "GET", SIGNED_IN),
    Row("run", "GET", TEAM),
    Row("run-fragment", "GET", TEAM),
    Row("run-live", "GET", "401 404 404 200 200 200 200"),
    Row("run-retry", "POST", MANAGERS),
    Row("run-agree", "POST", OWNERS, {"checksum": "c" * 64}),
]

ROWS = [*PUBLIC, *OWN, *PANEL]
