"""Rows → what a prepared host has."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from tenants.formats.host_setup import Bridge, GitRepository, Wanted
from tenants.formats.text import FormatError
from tenants.models import Host, HostPreparation, Repository


def wanted_of(preparation: HostPreparation) -> tuple[Wanted, tuple[str, ...]]:
    """What the host shall have, and what of it cannot be prepared by a script, as sentences. Raises
    FormatError for an account that is none."""
    host, told = preparation.host, []
    bridges = tuple(
        Bridge(row.bridge, IPv4Network(row.subnet), IPv4Address(row.gateway))
        for row in host.networks.order_by("bridge")
    )
    account = "git"
    found: list[GitRepository] = []
    for row in _repositories_at(host) if preparation.with_git else ():
        if not found:
            account = row.username
        try:
            each = GitRepository(row.path, row.branch, row.public_key.strip())
            Wanted(host.username, host.public_key.strip(), git_account=account, repositories=(each,))
        except FormatError as error:
            told.append(f"{row.short_name}: {error.problem} Set it up from its own page.")
            continue
        if row.username != account:
            told.append(f"{row.short_name} has another account than {account}. Set it up from its own page.")
            continue
        found.append(each)
    wanted = Wanted(
        account=host.username,
        key=host.public_key.strip(),
        bridges=bridges,
        firewall=preparation.with_firewall,
        git_account=account if preparation.with_git else "",
        repositories=tuple(found),
        key_fingerprint=preparation.key_fingerprint,
    )
    return wanted, tuple(told)


def _repositories_at(host: Host) -> list[Repository]:
    """Of the organization that runs the host, at the same address."""
    rows = Repository.objects.filter(organization=host.organization, host=host.host)
    return list(rows.order_by("pk")[:50])
