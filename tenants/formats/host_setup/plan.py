"""Facts and wishes → what is to be so on the host, and what only a person can change.

Nothing here touches the interface that SSH uses, upgrades a package, or restarts a service: an upgrade or a
restart of albatross restarts every unikernel.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container
from dataclasses import dataclass

from tenants.formats.host_setup import accounts, files
from tenants.formats.host_setup.facts import Facts
from tenants.formats.host_setup.steps import Step
from tenants.formats.host_setup.wanted import PACKAGES_AT, UNITS, Bridge, Wanted

SYSTEMS = ("debian-11", "debian-12", "debian-13", "ubuntu-20.04", "ubuntu-22.04", "ubuntu-24.04")
"""For which the packages of albatross are made, as their repository names them."""
_INSTALL = "apt-get -o DPkg::Lock::Timeout=120 install -y -q --no-install-recommends --no-upgrade"


@dataclass(frozen=True)
class Plan:
    """`steps`: all that shall be so, in order; `problems`: what no step can change."""

    steps: tuple[Step, ...]
    problems: tuple[str, ...] = ()

    def without(self, right: Container[str]) -> Plan:
        """What is left when the steps with these keys are so already. A step without commands that is not so
        becomes a problem."""
        left = tuple(each for each in self.steps if each.key not in right)
        told = tuple(f"{each.title}: {each.advice}" for each in left if not each.commands)
        return Plan(tuple(each for each in left if each.commands), self.problems + told)

    @property
    def checksum(self) -> str:
        """What a person agrees to: exactly these commands."""
        commands = [each.commands for each in self.steps]
        return hashlib.sha256(json.dumps(commands).encode()).hexdigest()


def plan(facts: Facts, wanted: Wanted) -> Plan:
    """What shall be so on such a host. A host that cannot be prepared has problems and no steps."""
    problems = _obstacles(facts)
    if problems:
        return Plan((), problems)
    bridges: list[Step] = []
    told: list[str] = []
    if "kvm" not in facts.has:
        told.append("There is no /dev/kvm: unikernels for hvt cannot run. Switch virtualisation on there.")
    for bridge in wanted.bridges:
        problem = _bridge_problem(facts, bridge)
        if problem:
            told.append(problem)
        else:
            bridges.append(_bridge(facts, bridge))
    ours = tuple(each for each in wanted.bridges if any(step.key == _key(each) for step in bridges))
    return Plan(
        (
            _packages(facts, wanted),
            *_albatross(facts, wanted),
            *bridges,
            *([_boot_order(ours)] if ours else []),
            *(_unit(unit) for unit in UNITS),
            _forwarding(facts),
            *accounts.steps(wanted),
        ),
        tuple(told),
    )


def _obstacles(facts: Facts) -> tuple[str, ...]:
    if not {"systemd", "apt"} <= facts.has:
        return ("This is no Debian or Ubuntu with systemd. Prepare it by hand: docs/hosts.md says what.",)
    if "albatross" not in facts.has and facts.os not in SYSTEMS:
        return (
            f"There are no packages of albatross for {facts.os}. Install albatross by hand, then look again.",
        )
    return ()


def _packages(facts: Facts, wanted: Wanted) -> Step:
    names = ["iproute2", "util-linux", "openssh-server", "perl-base"]
    if wanted.git_account:
        names.append("git")
    if wanted.firewall:
        names += ["iptables", "sudo"]
    if "networkd" not in facts.has and wanted.bridges:
        names.append("bridge-utils")
    if _needs_source(facts):
        names += ["ca-certificates", "curl", "gpg"]
    listed = " ".join(sorted(names))
    return Step(
        "packages",
        "Packages of Debian that the rest needs",
        "Only those that are missing are installed; none is upgraded.",
        ("apt-get -o DPkg::Lock::Timeout=120 update -q", f"{_INSTALL} {listed}"),
        f"dpkg-query -W -f '${{db:Status-Status}}\\n' {listed} | grep -c '^installed$'",
        str(len(names)),
    )


def _needs_source(facts: Facts) -> bool:
    return "source" not in facts.has and ("albatross" not in facts.has or "ours" in facts.has)


def _albatross(facts: Facts, wanted: Wanted) -> list[Step]:
    steps = []
    if _needs_source(facts):
        steps.append(_source(facts, wanted))
    tenders = "/var/lib/albatross/solo5-hvt* /usr/local/bin/solo5-hvt /usr/bin/solo5-hvt"
    return [
        *steps,
        Step(
            "albatross",
            "Albatross is installed",
            "It runs the unikernels. One that is there is never upgraded: that would restart all of them.",
            ("apt-get -o DPkg::Lock::Timeout=120 update -q", f"{_INSTALL} albatross solo5"),
            "! systemctl cat albatross_daemon.service >/dev/null || echo there",
            "there",
        ),
        Step(
            "tender",
            "The tender of Solo5 answers",
            "Albatross starts one for each unikernel; which ABI it has must fit the images.",
            (f"{_INSTALL} solo5",),
            f'for each in {tenders}; do [ ! -x "$each" ] || "$each" --version 2>&1 </dev/null; done'
            " | grep -Eq '^ABI version [0-9]+' && echo answers",
            "answers",
        ),
    ]


def _source(facts: Facts, wanted: Wanted) -> Step:
    # Written after the key was compared, so that its line about it says that it was.
    line = (
        f"# The key's fingerprint: {wanted.key_fingerprint or 'not compared'}\n"
        f"deb [signed-by={files.KEYRING}] {PACKAGES_AT} {facts.os} main\n"
    )
    shown = 'gpg --batch --homedir "$work" --with-colons --show-keys'
    first = "awk -F: '$1 == \"fpr\" { print $10; exit }'"
    compare = f'[ "$({shown} "$work/key" | {first})" = {wanted.key_fingerprint} ]'
    fetch = 'curl -fsS --proto =https --max-time 60 --max-filesize 200000 -o "$work/key"'
    trust = "its fingerprint is compared" if wanted.key_fingerprint else "it is believed because of HTTPS"
    return Step(
        "source",
        "The packages of albatross are known, with the key that signs them",
        f"Debian has no package of albatross. The key comes from {PACKAGES_AT}; {trust}.",
        (
            "work=$(mktemp -d)",
            "trap 'rm -rf \"$work\"' EXIT",
            f"{fetch} {PACKAGES_AT}/gpg.pub",
            *((compare,) if wanted.key_fingerprint else ()),
            f"mkdir -p {files.KEYRING.rpartition('/')[0]}",
            f'gpg --batch --homedir "$work" --yes --dearmor -o {files.KEYRING} "$work/key"',
            f"chmod 644 {files.KEYRING}",
            *files.write(files.SOURCES, line),
        ),
        f"{files.sha256_line(files.SOURCES)}; [ ! -s {files.KEYRING} ] || echo key",
        f"{files.sha256(line)}\nkey",
    )


def _unit(unit: str) -> Step:
    name = unit.removesuffix(".service")
    return Step(
        f"unit {name}",
        f"{name} runs, and starts at boot",
        "Without it no unikernel is started, heard or measured.",
        (f"systemctl enable {unit}", f"systemctl start {unit}"),
        f'echo "$(systemctl is-enabled {unit}) $(systemctl is-active {unit})"',
        "enabled active",
    )


# Bridges ------------------------------------------------------------------------------------------------


def _key(bridge: Bridge) -> str:
    return f"bridge {bridge.name}"


def _bridge_problem(facts: Facts, bridge: Bridge) -> str:
    name = bridge.name
    if name in facts.links and name not in facts.bridges:
        return f"{name} is an interface of the host, and no bridge. Give the network another bridge."
    by_others = name in facts.made or name in facts.way
    if not by_others and not {"networkd", "ifupdown"} & facts.has:
        return (
            f"{name} cannot be kept for the next boot: neither systemd-networkd nor /etc/network/interfaces.d"
            " is in use. Make the bridge with what sets up the host's network."
        )
    for other, address in facts.addresses:
        if other != name and address.network.overlaps(bridge.subnet):
            return f"{bridge.subnet} of {name} meets {address} of {other}. Give the network another subnet."
    return ""


def _bridge(facts: Facts, bridge: Bridge) -> Step:
    name = bridge.name
    live = (
        f"ip -o link show dev {name} type bridge | grep -Ec '[<,]UP[,>]'",
        f"ip -o -4 addr show dev {name} | grep -cF ' {bridge.address} '",
    )
    title = f"The bridge {name} has {bridge.address}"
    if name in facts.made or name in facts.way:
        return Step(
            _key(bridge),
            title,
            "It is set up by files of others, or SSH comes over it, so it is only looked at.",
            (),
            "; ".join(live),
            "1\n1",
            f"Make {name} a bridge, up, with {bridge.address}: the files that describe it are not Rookery's.",
        )
    texts = files.bridge_files(bridge, networkd="networkd" in facts.has)
    return Step(
        _key(bridge),
        title,
        "Unikernels of one organization meet on it. It is made now, and by the host itself at each boot.",
        (
            *(line for path, text in texts.items() for line in files.write(path, text)),
            f"ip link show dev {name} >/dev/null 2>&1 || ip link add name {name} type bridge",
            f"ip addr replace {bridge.address} dev {name}",
            f"ip link set dev {name} up",
        ),
        "; ".join([*live, *(files.sha256_line(path) for path in texts)]),
        "\n".join(["1", "1", *(files.sha256(text) for text in texts.values())]),
    )


def _boot_order(bridges: tuple[Bridge, ...]) -> Step:
    text = files.boot_order(bridges)
    return Step(
        "boot order",
        "At boot albatross waits for its bridges",
        "A unikernel whose bridge is not there when albatross starts is forgotten by it.",
        (*files.write(files.BOOT_ORDER, text), "systemctl daemon-reload"),
        files.sha256_line(files.BOOT_ORDER),
        files.sha256(text),
    )


def _forwarding(facts: Facts) -> Step:
    bridged = not facts.has_containers
    text = files.sysctls(bridged=bridged)
    name = "net.bridge.bridge-nf-call-iptables"
    with_switch = bridged and "netfilter" in facts.has
    why = "Unikernels reach the Internet, and are reached, through the host."
    if facts.has_containers:
        why += " Containers run here: how netfilter sees bridged packets is left as they need it."
    return Step(
        "forwarding",
        "The host passes packets on",
        why,
        (
            *files.write(files.SYSCTLS, text),
            "sysctl -q -w net.ipv4.ip_forward=1",
            *((f"sysctl -q -w {name}=0",) if with_switch else ()),
        ),
        "; ".join(
            [
                "sysctl -n net.ipv4.ip_forward",
                *((f"sysctl -n {name}",) if with_switch else ()),
                files.sha256_line(files.SYSCTLS),
            ]
        ),
        "\n".join(["1", *(["0"] if with_switch else []), files.sha256(text)]),
    )
