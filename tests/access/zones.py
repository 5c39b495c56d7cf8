"""What the pages and the operations of zones answer to whom; see tests.access.pages."""

from __future__ import annotations

from tests.access.rows import Row

#             an. str hol vie man own ope
TEAM = "       in 404 404 200 200 200 200"
FORM = "       in 404 404 403 403 200 200"
LOOKERS = "    in 404 404  to  to  to  to"
MANAGERS = "   in 404 404 403  to  to  to"
OWNERS = "     in 404 404 403 403  to  to"
UPDATE_SERVER = {"name": "ns2", "address": "9.9.9.10", "port": "53"}
UPDATE_KEY = "rookery-2.keys.example:SHA512:" + "QUJD" * 8
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
PINNED = {"repository_id": "{pinned_repository}"}
BARE = {"domain": "{bare}"}
KEY = {"used_by": "letsencrypt", "right": "update"}
SIGNING_KEY = {"selector": "s2027", "algorithm": "ed25519", "seed": "QUJD" * 8}
SERVER = {"host": "ns8.gandi.example", "address": "127.0.0.48", "transfer": "open"}
SOA = {
    "first_server": "ns1.{domain}",
    "contact": "dns@{domain}",
    "refresh": "3600",
    "retry": "600",
    "expire": "864000",
    "minimum": "300",
}
REPOSITORY = {
    "host": "dns.{bare}",
    "port": "22",
    "username": "git",
    "path": "more.git",
    "branch": "main",
    "address": "127.0.0.54",
    "primary_port": "53",
    "grammar": "new",
    "root_key": "panel._update:SHA256:" + "QUJD" * 8,
}
MAIL = {
    "host": "mail",
    "addresses": "192.0.2.25",
    "senders": "_spf.example.net",
    "policy": "reject",
    "reports": "postmaster@{domain}",
    "issuer": "letsencrypt.org",
    "strict_tls": "on",
}

PAGES = [
    Row("zone", "GET", TEAM),
    Row("zone-new", "GET", FORM, at=BARE),
    Row(
        "zone-new",
        "POST",
        OWNERS,
        {
            "repository": "{zone_repository}",
            "first_server": "ns1.{bare}",
            "address": "192.0.2.53",
            "contact": "dns@{bare}",
        },
        at=BARE,
    ),
    Row("record-set-edit", "GET", FORM, query={"owner": "ns1.example.org", "type": "A"}),
    Row("record-set-edit", "POST", OWNERS, {"owner": "www", "records": "192.0.2.80", "ttl": "60"}),
    Row("record-set-stage", "POST", OWNERS, {"do": "freeze", "owner": "ns1.{domain}", "type": "A"}),
    Row("zone-review", "GET", "in 404 404 403 403 to to"),
    Row("zone-review", "POST", OWNERS),
    Row("zone-discard", "POST", LOOKERS),
    Row("zone-decide", "POST", OWNERS, {"unit": "mail.{domain} A"}),
    Row("zone-look", "POST", OWNERS),
    Row("zone-export", "GET", TEAM),
    Row("zone-download", "GET", TEAM),
    Row("zone-history", "GET", TEAM),
    Row("record-set-history", "GET", TEAM),
    Row("zone-mail", "GET", FORM),
    Row("zone-mail", "POST", FORM, MAIL),
    Row("zone-import", "GET", FORM),
    Row("zone-import", "POST", OWNERS, {"text": "www A 192.0.2.80", "do": "keep"}),
    Row("zone-settings", "GET", TEAM),
    Row("zone-settings", "POST", OWNERS, SOA),
    Row("zone-freeze", "POST", OWNERS, {"on": "1"}),
    Row("zone-place", "GET", FORM),
    Row("zone-place", "POST", OWNERS, {"place": "{pinned_target}", "take_along": "on"}),
    Row("zone-end", "GET", FORM),
    Row("zone-end", "POST", OWNERS, {"do": "let_go", "name": "{domain}"}),
    Row("zone-return", "POST", "in 404 404 404 404 404 404"),
    Row("domain-registrar", "GET", TEAM),
    Row("zone-keys", "GET", TEAM),
    Row("zone-keys", "POST", FORM, KEY),
    Row("zone-key-rotate", "POST", FORM),
    Row("zone-key-remove", "POST", OWNERS),
    Row("signing-keys", "GET", TEAM),
    Row("signing-keys", "POST", OWNERS, SIGNING_KEY),
    Row("signing-key-switch", "POST", OWNERS, {"in_use": "on"}),
    Row("signing-key-remove", "POST", OWNERS),
    Row("way-out", "GET", FORM),
    Row("way-out", "POST", FORM),
    Row("way-out-fetch", "POST", FORM, {"key": "{export_key}"}),
    Row("zone-servers", "GET", TEAM),
    Row("zone-servers", "POST", OWNERS, SERVER),
    Row("zone-server-remove", "POST", OWNERS),
    Row("update-server-new", "GET", FORM),
    Row("update-server-new", "POST", OWNERS, {**UPDATE_SERVER, "key": UPDATE_KEY}),
    Row("update-server", "GET", TEAM),
    Row("update-server", "POST", OWNERS, UPDATE_SERVER),
    Row("update-server-key", "POST", OWNERS, {"key": UPDATE_KEY}),
    Row("update-server-begin", "POST", OWNERS, at=BARE),
    Row("update-server-disconnect", "POST", OWNERS),
    Row("update-server-look", "POST", MANAGERS),
    Row("update-server-drift", "POST", OWNERS, {"mode": "repair"}),
    Row("git-host", "GET", TEAM, at=PINNED),
    Row("git-host", "POST", OWNERS, {"readers": PUBLIC_KEY, "writers": ""}, at=PINNED),
    Row("git-host-prepare", "POST", OWNERS, {"plan": "c" * 64}, at=PINNED),
    Row("zone-repository", "GET", TEAM),
    Row("zone-repository-new", "GET", FORM),
    Row("zone-repository-new", "POST", OWNERS, REPOSITORY),
    Row("zone-repository-pin", "POST", OWNERS, {"fingerprint": "{fingerprint}", "host_name": ""}),
    Row("zone-repository-look", "POST", MANAGERS),
    Row("zone-repository-drift", "POST", OWNERS, {"mode": "repair"}),
    Row("zone-repository-take", "POST", OWNERS, {"decision": "adopt", "all": "1"}),
]

ASKED = "      401 404 404 403 403 202 202"
SEEN = "       401 404 404 200 200 200 200"
DONE = "       401 404 404 403 403 200 200"
MADE = "       401 404 404 403 403 201 201"
GONE = "       401 404 404 403 403 204 204"

OPERATIONS = [
    Row("api:zone", "GET", SEEN),
    Row(
        "api:zone",
        "PUT",
        MADE,
        {
            "repository": "{zone_repository}",
            "first_server": "ns1.{bare}",
            "address": "192.0.2.53",
            "contact": "dns@{bare}",
        },
        at=BARE,
    ),
    Row(
        "api:zone",
        "PATCH",
        DONE,
        {
            "first_server": "ns1.{domain}",
            "contact": "dns@{domain}",
            "refresh": 3600,
            "retry": 600,
            "expire": 864000,
            "minimum": 300,
        },
    ),
    Row("api:zone-freeze", "PUT", DONE, {"frozen": True}),
    Row("api:zone-place", "GET", SEEN),
    Row(
        "api:zone-place",
        "PUT",
        DONE,
        {"target": "{pinned_target}", "take_along": True, "even_so": False},
    ),
    Row("api:zone-standing", "GET", SEEN),
    Row("api:zone-standing", "PUT", DONE, {"standing": "let_go", "name": "{domain}"}),
    Row("api:zone-look", "POST", "401 404 404 403 403 202 202"),
    Row("api:record-sets", "GET", SEEN),
    Row(
        "api:record-sets",
        "POST",
        DONE,
        {"changes": [{"owner": "www", "type": "A", "records": ["192.0.2.80"], "ttl": 60}]},
    ),
    Row("api:record-set-freeze", "PUT", DONE, {"owner": "ns1", "type": "A", "frozen": True}),
    Row("api:zone-export", "GET", SEEN),
    Row("api:zone-mail", "GET", SEEN),
    Row(
        "api:zone-import",
        "POST",
        DONE,
        {"text": "www A 192.0.2.80", "remove_others": False, "leave_out_refused": False},
    ),
    Row("api:zone-certificates", "GET", SEEN),
    Row("api:zone-keys", "GET", SEEN),
    Row("api:zone-keys", "POST", MADE, {**KEY, "every_zone": False}),
    Row("api:zone-key", "DELETE", GONE),
    Row("api:zone-key-rotate", "POST", MADE),
    Row("api:domain-registrar", "GET", SEEN),
    Row("api:zone-name-servers", "GET", SEEN),
    Row("api:zone-secondaries", "GET", SEEN),
    Row("api:zone-secondaries", "POST", MADE, SERVER),
    Row("api:zone-secondary", "DELETE", GONE),
    Row("api:signing-keys", "GET", SEEN),
    Row("api:signing-keys", "POST", MADE, SIGNING_KEY),
    Row("api:signing-key", "GET", SEEN),
    Row("api:signing-key", "PATCH", DONE, {"in_use": True}),
    Row("api:signing-key", "DELETE", GONE),
    Row("api:domain-exports", "GET", SEEN),
    Row("api:domain-exports", "POST", MADE),
    Row("api:domain-export", "GET", "401 404 404 404 404 200 200"),
    Row("api:domain-export-fetch", "POST", "401 404 404 404 404 200 200", {"key": "{export_key}"}),
    Row("api:update-servers", "GET", SEEN),
    Row("api:update-servers", "POST", MADE, {**UPDATE_SERVER, "port": 53, "key": UPDATE_KEY}),
    Row("api:update-server", "GET", SEEN),
    Row("api:update-server", "PATCH", DONE, {**UPDATE_SERVER, "port": 53}),
    Row("api:update-server", "DELETE", GONE),
    Row("api:update-server-key", "PUT", DONE, {"key": UPDATE_KEY}),
    Row("api:git-host", "GET", SEEN, at=PINNED),
    Row("api:git-host-look", "POST", ASKED, {"readers": [PUBLIC_KEY], "writers": []}, at=PINNED),
    Row("api:git-host-prepare", "POST", ASKED, {"checksum": "c" * 64}, at=PINNED),
    Row("api:zone-repositories", "GET", SEEN),
    Row(
        "api:zone-repositories",
        "POST",
        MADE,
        {**REPOSITORY, "port": 22, "primary_port": 53},
    ),
    Row("api:zone-repository", "GET", SEEN),
    Row("api:zone-repository", "PATCH", DONE, {"address": "127.0.0.55", "port": 53, "grammar": "old"}),
    Row("api:zone-host-key", "POST", DONE, {"fingerprint": "{fingerprint}"}),
]
