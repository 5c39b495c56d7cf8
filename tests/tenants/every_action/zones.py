"""Zones, their servers, keys and checks."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from tenants.actions import (
    mail_checks,
    record_sets,
    secondaries,
    signing_keys,
    tsig_keys,
    update_servers,
    zone_endings,
    zone_imports,
    zone_places,
    zones,
)
from tenants.models import (
    Domain,
)
from tests.tenants.every_action.world import Rows
from tests.tenants.zoning import MAIL
from tests.world import UPDATE_KEY

ROWS: Rows = {
    "connect_update_server": (
        "OP",
        lambda a, w: update_servers.connect_update_server(
            actor=a, organization=w.organization, name="ns2", address="9.9.9.10", key=UPDATE_KEY
        ),
    ),
    "change_update_server": (
        "OP",
        lambda a, w: update_servers.change_update_server(
            actor=a, server=w.updated, name="ns1", address="9.9.9.11"
        ),
    ),
    "change_update_key": (
        "OP",
        lambda a, w: update_servers.change_update_key(actor=a, server=w.updated, key=UPDATE_KEY),
    ),
    "move_zone": (
        "OP",
        lambda a, w: zone_places.move_zone(actor=a, zone=w.zone, server=w.updated, even_so=True),
    ),
    "disconnect_update_server": (
        "OP",
        lambda a, w: zone_places.disconnect_update_server(actor=a, server=w.updated),
    ),
    "create_zone": (
        "OP",
        lambda a, w: zones.create_zone(
            actor=a, domain=Domain.objects.get(name="second.example"), repository=w.zones_at
        ),
    ),
    "change_soa": ("OP", lambda a, w: zones.change_soa(actor=a, zone=w.zone, minimum=60)),
    "freeze_zone": ("OP", lambda a, w: zones.freeze_zone(actor=a, zone=w.zone, frozen=True)),
    "remove_zone": ("OP", lambda a, w: zone_endings.remove_zone(actor=a, zone=w.zone, name="example.org")),
    "let_go_zone": ("OP", lambda a, w: zone_endings.let_go_zone(actor=a, zone=w.zone)),
    "bring_zone_back": ("OP", lambda a, w: zone_endings.bring_zone_back(actor=a, zone=w.let_go)),
    "look_for_ownership": ("OP", lambda a, w: zones.look_for_ownership(actor=a, zone=w.unproved)),
    "change_record_sets": (
        "OP",
        lambda a, w: record_sets.change_record_sets(actor=a, zone=w.zone, changes=MAIL),
    ),
    "set_record_set": (
        "OP",
        lambda a, w: record_sets.set_record_set(
            actor=a, zone=w.zone, owner="www", record_type="A", data=["192.0.2.80"]
        ),
    ),
    "import_zone": (
        "OP",
        lambda a, w: zone_imports.import_zone(actor=a, zone=w.zone, text="shop A 192.0.2.81"),
    ),
    "delete_record_set": (
        "OP",
        lambda a, w: record_sets.delete_record_set(actor=a, zone=w.zone, owner="old", record_type="A"),
    ),
    "freeze_record_set": (
        "OP",
        lambda a, w: record_sets.freeze_record_set(
            actor=a, zone=w.zone, owner="old", record_type="A", frozen=True
        ),
    ),
    "create_key": (
        "OP",
        lambda a, w: tsig_keys.create_key(
            actor=a, repository=w.zones_at, zone=w.zone, used_by="new", right="notify"
        ),
    ),
    "rotate_key": ("OP", lambda a, w: tsig_keys.rotate_key(actor=a, key=w.key)),
    "remove_key": ("OP", lambda a, w: tsig_keys.remove_key(actor=a, key=w.key)),
    "add_secondary": (
        "OP",
        lambda a, w: secondaries.add_secondary(
            actor=a, zone=w.zone, host="ns6.gandi.example", address="127.0.0.40"
        ),
    ),
    "remove_secondary": ("OP", lambda a, w: secondaries.remove_secondary(actor=a, server=w.secondary)),
    "make_signing_key": (
        "OP",
        lambda a, w: signing_keys.make_signing_key(actor=a, domain=w.domain, selector="new"),
    ),
    "switch_signing_key": (
        "OP",
        lambda a, w: signing_keys.switch_signing_key(actor=a, key=w.signing_key, in_use=False),
    ),
    "remove_signing_key": (
        "OP",
        lambda a, w: signing_keys.remove_signing_key(actor=a, key=w.old_signing_key),
    ),
    "recheck": ("OMP", lambda a, w: mail_checks.recheck(actor=a, domain=w.domain, checks=["mx"])),
    "mute_check": (
        "OP",
        lambda a, w: mail_checks.mute_check(
            actor=a,
            domain=w.domain,
            line="mx",
            reason="being moved",
            until=timezone.now() + timedelta(days=5),
        ),
    ),
    "unmute_check": ("OP", lambda a, w: mail_checks.unmute_check(actor=a, domain=w.domain, line="spf")),
    "keep_dns_elsewhere": (
        "OP",
        lambda a, w: mail_checks.keep_dns_elsewhere(actor=a, domain=w.domain, elsewhere=True),
    ),
}
