"""DNS by hand: record sets by `nsupdate`, keys in a zone repository, secondaries, servers with update keys.

`nsupdate` serves both kinds of primary: ptt's writes what it is told into zone.git itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

from tenants.formats.by_hand.shell import Secret, block, comment, line, published, quote
from tenants.formats.zones.bind.exporting import bind_name
from tenants.formats.zones.commands import KEY_FILE, GitPlace, nsupdate_lines, replaced_lines
from tenants.formats.zones.keyfile import ALGORITHMS, key_file_name, scope_of
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet

Address = IPv4Address | IPv6Address
_NUMBERS = {name: number for number, name in ALGORITHMS.items()}


def dig(address: str, port: int, *words: str) -> str:
    """Return a question to one server."""
    where = [] if port == 53 else ["-p", str(port)]
    return line(["dig", f"@{address}", *where, *words])


def update_commands(address: str, port: int, zone: Name, changes: Sequence[str]) -> str:
    """Return lines that send one signed update."""
    return "\n".join(
        [
            comment(f"{KEY_FILE.variable}: {KEY_FILE.where}"),
            f"nsupdate -v -k \"${{{KEY_FILE.variable}:?}}\" <<'END'",
            nsupdate_lines(address, port, zone, [changes]) + "END",
        ]
    )


def record_set_commands(address: str, port: int, zone: Name, item: RecordSet) -> str:
    """Make this set the one that is there, and look."""
    asked = dig(address, port, "+norecurse", _bare(item.owner), item.type)
    return f"{update_commands(address, port, zone, list(replaced_lines(item, zone)))}\n{asked}"


def remove_record_set_commands(address: str, port: int, zone: Name, owner: Name, kind: str) -> str:
    changes = [f"update delete {bind_name(owner)} {kind}"]
    asked = dig(address, port, "+norecurse", _bare(owner), kind)
    return f"{update_commands(address, port, zone, changes)}\n{asked}"


def zone_look_commands(address: str, port: int, zone: Name) -> str:
    """What is served: its serial, and all of it."""
    name = _bare(zone)
    copied = f'{dig(address, port, "+tcp", name, "AXFR")} -k "${{{KEY_FILE.variable}:?}}"'
    return "\n".join(
        [
            dig(address, port, "+norecurse", name, "SOA"),
            comment(f"{KEY_FILE.variable}: {KEY_FILE.where}"),
            copied,
        ]
    )


# Keys -------------------------------------------------------------------------------------------------


def key_file_commands(name: str, algorithm: str, where: str) -> str:
    """Write the file that dig and nsupdate take; the secret is in no process list. `algorithm` as SHA256."""
    secret = Secret("SECRET", where)
    form = 'key "%s" { algorithm %s; secret "%s"; };\\n'
    words = f"{quote(name)} {quote(f'hmac-{algorithm.lower()}')}"
    return block("umask 077", f"printf '{form}' {words} \"$SECRET\" > ./rookery.key", secrets=[secret])


def make_key_commands(place: GitPlace, zone: Name, name: Name, algorithm: str) -> str:
    """Make a new secret for a key of ptt's primary, and tell the primary. The key's name says which file
    it is in; `zone` is one that the primary has, to speak about."""
    file = quote(f"./{file_of(name)}")
    owner = quote(bind_name(name))
    added = f"printf '%s DNSKEY 0 3 {_NUMBERS[algorithm]} %s\\n' {owner} \"$SECRET\" >> {file}"
    return _changed_keys(place, zone, name, "Make", 'SECRET="$(head -c 32 /dev/urandom | base64 -w0)"', added)


def remove_key_commands(place: GitPlace, zone: Name, name: Name) -> str:
    return _changed_keys(place, zone, name, "Remove", "", "")


def _changed_keys(place: GitPlace, zone: Name, name: Name, what: str, before: str, after: str) -> str:
    file = quote(f"./{file_of(name)}")
    owner = quote(bind_name(name))
    others = f"touch {file} && awk -v name={owner} '$1 != name' {file} > \"$folder.keys\""
    changes = [others, f'cat "$folder.keys" > {file} && rm "$folder.keys"', after, f"git add -- {file}"]
    message = f"{what} the key {_bare(name)}"
    lines = ["umask 077", before, *published(place.remote, place.branch, message, *filter(None, changes))]
    lines.append(notify_command(place, zone))
    return block(*filter(None, lines), secrets=[KEY_FILE])


def notify_command(place: GitPlace, zone: Name) -> str:
    """Have ptt's primary fetch: it never looks by itself."""
    asked = dig(place.address, place.port, "+tcp", "+timeout=60", "+opcode=notify", _bare(zone), "SOA")
    return f'{asked} -k "$KEYFILE"'


def file_of(name: Name) -> str:
    """The file of zone.git that has a key."""
    scope = scope_of(name)
    return key_file_name(scope[1] if scope is not None else name)


# Servers ----------------------------------------------------------------------------------------------


def secondary_commands(primary: tuple[str, int], zone: Name, host: Name, address: Address) -> str:
    """Name a secondary in the zone, with its address where that lies in the zone; and ask it."""
    changes = [f"update add {bind_name(zone)} 3600 NS {bind_name(host)}"]
    if host.within(zone):
        kind = "A" if address.version == 4 else "AAAA"
        changes.append(f"update add {bind_name(host)} 3600 {kind} {address}")
    return "\n".join(
        [
            update_commands(*primary, zone, changes),
            comment("Both have to say the same serial:"),
            dig(*primary, "+short", "+norecurse", _bare(zone), "SOA"),
            dig(str(address), 53, "+short", "+norecurse", _bare(zone), "SOA"),
        ]
    )


def update_server_commands(address: str, port: int, key: str, algorithm: str, zones: Sequence[Name]) -> str:
    """A BIND that takes signed updates: its key, what it may, and the serial of each zone."""
    made = line(["tsig-keygen", "-a", f"hmac-{algorithm.lower()}", key])
    policy = f"update-policy {{ grant {key} zonesub any; }};"
    return "\n".join(
        [
            comment("On the name server; named reads the key, and each zone says what it may:"),
            f"(umask 077; {made} > ./rookery.key)",
            comment(f"allow-transfer {{ key {key}; }}; {policy}"),
            comment("From any machine:"),
            *(dig(address, port, "+norecurse", _bare(each), "SOA") for each in zones),
        ]
    )


def _bare(name: Name) -> str:
    """Without the last dot; the root is a dot."""
    return bind_name(name).removesuffix(".") or "."
