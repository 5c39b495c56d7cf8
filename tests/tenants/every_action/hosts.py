"""Hosts, their parts and firewalls."""

from __future__ import annotations

from tenants import access
from tenants.actions import (
    firewalls,
    host_shares,
    hosts,
    networks,
    preparations,
    public_addresses,
    volumes,
)
from tenants.actor import Actor
from tenants.models import (
    Host,
)
from tests.as_if import CHECKSUM
from tests.hosting import FORWARDED
from tests.tenants.every_action.world import Rows


def _renew_authority(actor: Actor, host: Host) -> Host:
    """Only a host that is reached over TLS has one; those of the world are not."""
    if access.may(actor, access.Verb.CHANGE, host):
        Host.objects.filter(pk=host.pk).update(transport=Host.Transport.TLS)
    frame = "-----BEGIN {0}-----\nMA==\n-----END {0}-----"
    given = {"authority": frame.format("CERTIFICATE"), "authority_key": frame.format("PRIVATE KEY")}
    return hosts.renew_authority(actor=actor, host=host, **given)


ROWS: Rows = {
    "add_host": (
        "OP",
        lambda a, w: hosts.add_host(
            actor=a,
            organization=w.organization,
            name="cliff",
            transport="ssh",
            host="cliff.example",
            username="rookery",
        ),
    ),
    "pin_host_key": (
        "OP",
        lambda a, w: hosts.pin_host_key(actor=a, host=w.host, fingerprint_seen=w.fingerprint),
    ),
    "renew_authority": ("OP", lambda a, w: _renew_authority(a, w.bare_host.host)),
    "remove_host": ("OP", lambda a, w: hosts.remove_host(actor=a, host=w.bare_host.host)),
    "share_host": (
        "P",
        lambda a, w: host_shares.share_host(actor=a, host=w.host, organization=w.spare, path="spare"),
    ),
    "unshare_host": ("P", lambda a, w: host_shares.unshare_host(actor=a, share=w.guest_share)),
    "change_quota": ("OP", lambda a, w: host_shares.change_quota(actor=a, share=w.share, memory=600)),
    "add_network": (
        "OP",
        lambda a, w: networks.add_network(actor=a, share=w.share, bridge="third", subnet="10.0.3.0/24"),
    ),
    "remove_network": ("OP", lambda a, w: networks.remove_network(actor=a, network=w.bare_network)),
    "add_volume": ("OP", lambda a, w: volumes.add_volume(actor=a, share=w.share, label="more", size=8)),
    "delete_volume": ("OP", lambda a, w: volumes.delete_volume(actor=a, volume=w.volume)),
    "look_at_preparation": (
        "P",
        lambda a, w: preparations.look_at_preparation(actor=a, host=w.bare_host.host),
    ),
    "prepare_host": (
        "P",
        lambda a, w: preparations.prepare_host(actor=a, host=w.bare_host.host, plan=CHECKSUM),
    ),
    "manage_firewall": ("P", lambda a, w: firewalls.manage_firewall(actor=a, host=w.bare_host.host)),
    "release_firewall": ("P", lambda a, w: firewalls.release_firewall(actor=a, firewall=w.firewall)),
    "change_firewall": (
        "P",
        lambda a, w: firewalls.change_firewall(actor=a, firewall=w.firewall, isolates=True),
    ),
    "add_firewall_rule": (
        "P",
        lambda a, w: firewalls.add_firewall_rule(actor=a, firewall=w.firewall, **{**FORWARDED, "port": 465}),
    ),
    "change_firewall_rule": (
        "P",
        lambda a, w: firewalls.change_firewall_rule(
            actor=a, rule=w.firewall_rule, **{**FORWARDED, "note": "mail"}
        ),
    ),
    "remove_firewall_rule": (
        "P",
        lambda a, w: firewalls.remove_firewall_rule(actor=a, rule=w.firewall_rule),
    ),
    "add_public_address": (
        "OP",
        lambda a, w: public_addresses.add_public_address(actor=a, share=w.share, address="192.0.2.99"),
    ),
    "remove_public_address": (
        "OP",
        lambda a, w: public_addresses.remove_public_address(actor=a, public=w.public),
    ),
}
