"""What a machine is like, as far as the plan depends on it: a read-only script, and its strict reading."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Interface

from tenants.formats.text import FormatError

MOST_FACTS = 64_000
"""Bytes that the script prints at most."""
_MOST_LINES = 2000
_HEAD, _END = "rookery-host 1", "end"
_LINE = re.compile(r"([a-z]{1,12}) ([\x21-\x7e]{1,300})(?: ([\x21-\x7e]{1,300}))?")
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,31}")
_TENDER = re.compile(r"solo5-(hvt|spt)\.[0-9]{1,4}")

FACTS_SCRIPT = r"""set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
{
echo 'rookery-host 1'
echo "uid $(id -u)"
echo "os $(sed -n 's/^ID="\{0,1\}\([a-z0-9.-]*\)"\{0,1\}$/\1/p' /etc/os-release | head -n 1)-$(
	sed -n 's/^VERSION_ID="\{0,1\}\([a-z0-9.-]*\)"\{0,1\}$/\1/p' /etc/os-release | head -n 1)"
[ ! -d /run/systemd/system ] || echo 'has systemd'
! command -v apt-get >/dev/null || echo 'has apt'
[ ! -e /dev/kvm ] || echo 'has kvm'
! systemctl cat albatross_daemon.service >/dev/null 2>&1 || echo 'has albatross'
[ "$(systemctl is-active systemd-networkd.service 2>/dev/null)" != active ] || echo 'has networkd'
! grep -Eqs '^[[:space:]]*source(-directory)?[[:space:]]+(/etc/network/)?interfaces\.d' \
	/etc/network/interfaces || echo 'has ifupdown'
! grep -rqs apt.robur.coop /etc/apt/sources.list /etc/apt/sources.list.d \
	--include='*.list' --include='*.sources' --exclude=rookery-albatross.list || echo 'has source'
[ ! -e /etc/apt/sources.list.d/rookery-albatross.list ] || echo 'has ours'
[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 'has netfilter'
for target in hvt spt; do
	plain=
	for place in /var/lib/albatross /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin; do
		for each in "$place/solo5-$target" "$place/solo5-$target".[0-9]*; do
			[ -x "$each" ] || continue
			abi=$(timeout 5 "$each" --version 2>&1 </dev/null |
				sed -n 's/^ABI version \([0-9]\{1,4\}\)$/\1/p' | head -n 1)
			case ${each##*/} in
			"solo5-$target") [ -n "$plain" ] || echo "tender solo5-$target.$abi"; plain=taken ;;
			"solo5-$target.$abi") echo "tender solo5-$target.$abi" ;;
			esac
		done
	done
done
set -- ${SSH_CONNECTION-}
[ -z "${3-}" ] || echo "ssh $3"
ip -o link show | head -n 500 | sed -n 's/^[0-9]*: \([^:@ ]*\)[:@].*/link \1/p'
ip -o link show type bridge | head -n 500 | sed -n 's/^[0-9]*: \([^:@ ]*\)[:@].*/bridge \1/p'
ip -o -4 addr show | head -n 500 | sed -n 's/^[0-9]*: \([^:@ ]*\) *inet \([0-9./]*\) .*/address \1 \2/p'
ip -o -4 route show default | head -n 9 | sed -n 's/.* dev \([^ ]*\).*/route \1/p'
for file in /etc/network/interfaces /etc/network/interfaces.d/* /etc/systemd/network/*.netdev \
	/etc/systemd/network/*.network; do
	case ${file##*/} in rookery-* | *-rookery-* | '*'*) continue ;; esac
	[ -f "$file" ] || continue
	sed -n -e 's/^[[:space:]]*iface[[:space:]]\{1,\}\([^[:space:]]*\).*/made \1/p' \
		-e 's/^[[:space:]]*Name=\([^[:space:]]*\).*/made \1/p' "$file" | head -n 50
done
echo end
} 2>/dev/null | head -c 60000
"""


@dataclass(frozen=True)
class Facts:
    """`has` are words that the script printed: systemd, apt, kvm, albatross, networkd, ifupdown, netfilter,
    `source` (somebody else's line for albatross's packages) and `ours`. `made` are interfaces that files of
    others describe. `way` are the interfaces that SSH and the default route use: never touched. `tenders`:
    those that albatross would find, such as `solo5-hvt.2` (its own folder comes first, then PATH; of those
    without a number in their name, the first counts)."""

    uid: int
    os: str
    has: frozenset[str]
    links: frozenset[str]
    bridges: frozenset[str]
    addresses: tuple[tuple[str, IPv4Interface], ...]
    made: frozenset[str]
    way: frozenset[str]
    tenders: frozenset[str] = frozenset()

    @property
    def has_containers(self) -> bool:
        """Whether something else here needs netfilter to see bridged packets."""
        return bool({"docker0", "cni0"} & self.links)


def read_facts(text: str) -> Facts:
    """Read what the script printed, trusting nothing. Raises FormatError (`facts`)."""
    lines = text.splitlines()
    if not lines or lines[0] != _HEAD:
        raise FormatError("facts", "The host's answer is not that of our script.", "Look at its greeting.")
    if lines[-1] != _END or len(lines) > _MOST_LINES:
        raise FormatError("facts", "The host's answer is cut off or too long.", "Look again.")
    seen: dict[str, list[tuple[str, str]]] = {}
    for line in lines[1:-1]:
        found = _LINE.fullmatch(line)
        if found is None:
            raise FormatError("facts", "The host's answer has a line that is none of ours.", "Look again.")
        seen.setdefault(found[1], []).append((found[2], found[3] or ""))
    uid, system = _one(seen, "uid"), _one(seen, "os")
    if not re.fullmatch(r"[0-9]{1,10}", uid):
        raise FormatError("facts", "The host does not say who we are.", "Look again.")
    addresses = tuple((name, _interface(address)) for name, address in seen.get("address", []))
    ssh = next((first for first, _ in seen.get("ssh", [])), "")
    way = {name for name, address in addresses if str(address.ip) == ssh} | _names(seen, "route")
    return Facts(
        uid=int(uid),
        os=system,
        has=frozenset(first for first, _ in seen.get("has", [])),
        links=_names(seen, "link"),
        bridges=_names(seen, "bridge"),
        addresses=addresses,
        made=_names(seen, "made"),
        way=frozenset(way),
        tenders=frozenset(first for first, _ in seen.get("tender", []) if _TENDER.fullmatch(first)),
    )


def _one(seen: dict[str, list[tuple[str, str]]], name: str) -> str:
    values = seen.get(name, [])
    if len(values) != 1:
        raise FormatError("facts", f"The host's answer says {len(values)} times “{name}”.", "Look again.")
    return values[0][0]


def _names(seen: dict[str, list[tuple[str, str]]], name: str) -> frozenset[str]:
    """Interfaces; patterns and other oddities that files may hold are no names."""
    return frozenset(first for first, _ in seen.get(name, []) if _INTERFACE.fullmatch(first))


def _interface(text: str) -> IPv4Interface:
    try:
        return IPv4Interface(text)
    except ValueError as error:
        raise FormatError("facts", "The host's answer has an address that is none.", "Look again.") from error
