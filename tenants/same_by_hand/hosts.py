"""Albatross hosts and what is on them; the rules of their firewall."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Interface, IPv4Network

from tenants.desired_firewall import FAMILIES, intent_of, rule_of
from tenants.desired_host import wanted_policy, wanted_unikernel
from tenants.formats.by_hand import albatross
from tenants.formats.by_hand.albatross import Version, version_of
from tenants.formats.by_hand.machine import bridge_commands, image_commands
from tenants.formats.by_hand.shell import comment
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.restore import first_commands, rule_commands
from tenants.formats.text import FormatError
from tenants.models import Firewall, FirewallRule, Host, HostShare, Image, Network, Unikernel, Volume

PROGRAMS = {4: "iptables", 6: "ip6tables"}
MOST_RULES = 500


def host_by_hand(share: HostShare) -> str:
    """Look at this part of it."""
    version = _version(share)
    return "\n".join([*albatross.about(version), *albatross.host_lines(share.prefix, version)])


def policy_by_hand(share: HostShare) -> str:
    """Nothing for the root path: albatross finds out its policy itself."""
    if not share.path:
        return ""
    version, wanted = _version(share), wanted_policy(share, share.networks.all())
    return "\n".join([*albatross.about(version), albatross.policy_line(share.prefix, wanted, version)])


def network_by_hand(network: Network) -> str:
    prefix = IPv4Network(network.subnet).prefixlen
    return bridge_commands(network.bridge, IPv4Interface(f"{network.gateway}/{prefix}"))


def volume_by_hand(volume: Volume) -> str:
    version, name = _version(volume.share), f"{volume.share.prefix}{volume.label}"
    if volume.deleted_at is not None:
        lines = [albatross.remove_volume_line(name, version)]
    else:
        lines = [
            albatross.volume_line(name, volume.size, version),
            albatross.volume_look_line(name, version),
            comment("Deleting it, with all that is in it:"),
            comment(albatross.remove_volume_line(name, version)),
        ]
    return "\n".join([*albatross.about(version), *lines])


def unikernel_by_hand(row: Unikernel) -> str:
    version = _version(row.share)
    return "\n".join(
        [
            *albatross.about(version),
            *_create_lines(row, version, force=row.running),
            *albatross.look_lines(row.full_name, version),
            comment("Ending it; nothing on the host remembers its image and arguments then:"),
            comment(albatross.destroy_line(row.full_name, version)),
        ]
    )


def _create_lines(row: Unikernel, version: Version, *, force: bool) -> list[str]:
    networks = {each.pk: each for each in row.share.networks.all()}
    wanted = wanted_unikernel(row, networks, None)
    secrets = albatross.argument_secrets(wanted.shown)
    return [
        *(comment(f"{each.variable}: {each.where}") for each in secrets),
        albatross.create_line(wanted, row.full_name, version, force=force),
    ]


def restarts_by_hand(rows: Sequence[Unikernel]) -> list[str]:
    """Restart them in this order, each in the words of its host's release."""
    lines: list[str] = []
    for row in rows:
        version = _version(row.share)
        lines += (each for each in albatross.about(version) if each not in lines)
        if albatross.restarts_well(version):
            lines.append(albatross.restart_line(row.full_name, version))
        else:
            lines += _create_lines(row, version, force=True)
    return lines


def image_by_hand(image: Image) -> str:
    return image_commands(image.sha256, image.target, image.source)


def firewall_by_hand(firewall: Firewall) -> str:
    """Everything that Rookery wants on the host, for an empty one."""
    try:
        intent = intent_of(firewall)
        lines: list[str] = []
        for family in FAMILIES:
            rules = derive(intent, family)
            if rules:
                lines += first_commands(rules, program=PROGRAMS[family])
    except FormatError as error:
        return comment(str(error))
    more = len(lines) - MOST_RULES
    return "\n".join([*lines[:MOST_RULES], *([f"# and {more} more"] if more > 0 else [])])


def rule_by_hand(row: FirewallRule) -> str:
    """One rule, at the end of its chain; chain and jump are there or are made."""
    try:
        rule = rule_of(row)
    except FormatError as error:
        return comment(str(error))
    families = [rule.family] if rule.family is not None else FAMILIES
    return "\n".join(line for each in families for line in rule_commands(rule, program=PROGRAMS[each]))


def _version(share: HostShare) -> Version:
    return client_version(share.host)


def client_version(host: Host) -> Version:
    """Whose words lines for it have, and which way they take."""
    return client_version_at(host, host.release)


def client_version_at(host: Host, release: str) -> Version:
    """The same while a host shows a release that is not kept yet."""
    if host.transport == Host.Transport.TLS:
        return albatross.remote_version(release, host.host, host.port)
    return version_of(release)
