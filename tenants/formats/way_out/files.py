"""A domain's export as files, by path. All of it is secret."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

from tenants.formats.by_hand import create_line, look_lines, volume_line
from tenants.formats.firewall.restore import first_commands
from tenants.formats.relay_entry import NO_LOGIN, emit
from tenants.formats.unikernels import WantedUnikernel
from tenants.formats.way_out import bind, postfix
from tenants.formats.way_out.export import DomainExport, ExportedHost, ExportedUnikernel
from tenants.formats.way_out.guide import guide
from tenants.formats.zones.bind.exporting import export_bind
from tenants.formats.zones.commands import git_commands, nsupdate_commands
from tenants.formats.zones.keyfile import emit_keys, key_file_name
from tenants.formats.zones.zone_file import emit as emit_zone

_ODD = re.compile(r"[^A-Za-z0-9._-]+")
PROGRAMS = {4: "iptables", 6: "ip6tables"}


def files_of(export: DomainExport) -> dict[str, bytes]:
    """Return every file of the export; names ending in `.sh` are scripts. Raises FormatError for an entry
    that ptt would not read."""
    found = {path: text if isinstance(text, bytes) else text.encode() for path, text in _files(export)}
    return {"README.md": guide(export, tuple(found)).encode(), **found}


def _files(export: DomainExport) -> Iterator[tuple[str, str | bytes]]:
    yield "users.json", _users(export)
    for name, entry in sorted(export.entries.items()):
        yield f"relay.git/{name}", emit(entry)
    if export.users is not None and export.entries:
        yield "relay.sh", _relay_script(export)
    yield "postfix/main.cf", postfix.main_cf(export.domain)
    yield "postfix/virtual", postfix.virtual_alias_maps(export.domain, export.entries)
    yield "postfix/sender_login", postfix.sender_login_maps(export.domain, export.entries)
    yield from _dns(export)
    for key in export.signers:
        yield f"dkim/{key.selector}.seed", f"{key.seed}\n"
        yield f"dkim/{key.selector}.record", f"{key.owner}. TXT {key.record}\n"
        if key.pem:
            yield f"dkim/{key.selector}.pem", key.pem
    if export.public_keys:
        lines = [f"# {each.what}\n{each.line}\n" for each in export.public_keys]
        yield "ssh/public-keys", "".join(lines)
    for host in export.hosts:
        name = _file_name(host.name)
        yield f"albatross/{name}.sh", _host_script(host)
        for family, rules in host.rules.items():
            if rules:
                yield f"firewall/{name}.{PROGRAMS[family]}.sh", _firewall_script(host, family)
    seeds = _seeds(export)
    if seeds:
        yield "seeds.json", _json(seeds)


def _users(export: DomainExport) -> str:
    """All addresses, also those that get no mail now."""
    rows = [
        {
            "address": f"{name}@{export.domain}",
            "targets": list(entry.targets),
            "blake2b_512": "" if entry.password == NO_LOGIN else entry.password,
            "state": "in use",
        }
        for name, entry in export.entries.items()
    ]
    rows += [
        {
            "address": f"{each.local_part}@{export.domain}",
            "targets": list(each.targets),
            "blake2b_512": each.digest,
            "state": each.why,
        }
        for each in export.idle
    ]
    return _json(sorted(rows, key=lambda row: str(row["address"])))


def _json(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def _relay_script(export: DomainExport) -> str:
    assert export.users is not None  # noqa: S101 - the caller looked
    remote, branch = shlex.quote(export.users.remote), shlex.quote(export.users.branch)
    return _script(
        "Puts every address into relay.git again. Entries of others stay as they are there.",
        'here="$(cd "$(dirname "$0")" && pwd)"',
        'folder="$(mktemp -d)"',
        f'git clone --depth 1 --branch {branch} {remote} "$folder"',
        'cp "$here"/relay.git/* "$folder"/',
        'cd "$folder"',
        "git add --all",
        "git diff --cached --quiet || git commit -m"
        f" {shlex.quote(f'Write the addresses of {export.domain}')}",
        f"git push origin {shlex.quote(f'HEAD:{export.users.branch}')}",
        "# ptt reads it only at boot: restart the submission server and the relay.",
    )


def _dns(export: DomainExport) -> Iterator[tuple[str, str | bytes]]:
    if export.zone is None:
        return
    yield f"dns/{export.domain}.zone", export_bind(export.zone)
    yield f"dns/ptt/{export.domain}", emit_zone(export.zone)
    yield "dns/named.conf", bind.named_conf(export.domain, export.keys)
    if export.keys:
        yield f"dns/ptt/{key_file_name(export.zone.origin)}", emit_keys(export.zone.origin, export.keys)
    address, port = ("127.0.0.1", 53)
    if export.zones is not None:
        address, port = export.zones.address, export.zones.port
        yield "dns/ptt.sh", git_commands(export.zone, export.zones)
    yield "dns/nsupdate", nsupdate_commands(export.zone, address, port)


def _host_script(host: ExportedHost) -> str:
    lines = []
    for label, size in host.volumes:
        lines.append(volume_line(f"{host.path}:{label}", size, host.version))
    for each in host.unikernels:
        create = create_line(_filled(each), each.name, host.version, filled=True)
        if not each.is_running:  # an argument may have several lines
            create = "\n".join(["# It is stopped:", *(f"# {line}" for line in create.splitlines())])
        lines += ["", f"# {each.name}", create]
        lines += [f"# {line}" for line in look_lines(each.name, host.version)]
    return _script(
        f"Starts the unikernels on {_file_name(host.name)}. The images lie here, named by their SHA-256."
        " Secrets are in this file.",
        *lines,
    )


def _filled(each: ExportedUnikernel) -> WantedUnikernel:
    shown = tuple(argument.decode("utf-8", "surrogateescape") for argument in each.wanted.arguments)
    return replace(each.wanted, shown=shown)


def _firewall_script(host: ExportedHost, family: int) -> str:
    lines = first_commands(host.rules[family], program=PROGRAMS[family])
    return _script(
        f"Gives {_file_name(host.name)} the rules of these unikernels, in chains of their own.", *lines
    )


def _script(about: str, *lines: str) -> str:
    return "\n".join(["#!/bin/sh", f"# {about}", "set -eu", *lines, ""])


def _seeds(export: DomainExport) -> dict[str, dict[str, str]]:
    return {
        f"{_file_name(host.name)} {each.name}": dict(each.seeds)
        for host in export.hosts
        for each in host.unikernels
        if each.seeds
    }


def _file_name(name: str) -> str:
    """Of a host, whose name is what people like."""
    return _ODD.sub("-", name).strip(".-") or "host"
