"""Reading hostile answers, and what follows from facts. No machine is needed."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.firewall.helper import helper_text
from tenants.formats.host_setup import (
    Bridge,
    GitRepository,
    Plan,
    Step,
    Wanted,
    plan,
    read_checks,
    read_facts,
    script,
)
from tenants.formats.text import FormatError
from tests.host_setup.world import KEY

SERVICE = Bridge("service", IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.1"))
WANTED = Wanted("rookery", KEY, (SERVICE,))
HOST = """rookery-host 1
uid 0
os debian-12
has systemd
has apt
has kvm
has ifupdown
ssh 192.0.2.1
link lo
link eth0
address lo 127.0.0.1/8
address eth0 192.0.2.1/24
route eth0
end
"""


def planned(*lines: str, without: str = "", wanted: Wanted = WANTED) -> Plan:
    text = HOST.replace(f"{without}\n", "") if without else HOST
    return plan(read_facts(text.replace("end\n", "".join(f"{each}\n" for each in lines) + "end\n")), wanted)


def keys(found: Plan) -> list[str]:
    return [each.key for each in found.steps]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Welcome to rock!\n" + HOST,
        HOST.replace("end\n", ""),
        HOST.replace("uid 0", "uid 0; rm"),
        HOST.replace("uid 0", "uid 0\nuid 1"),
        HOST.replace("uid 0\n", ""),
        HOST.replace("192.0.2.1/24", "192.0.2.1/99"),
        HOST.replace("has kvm", "has \x1b[31mkvm"),
        HOST.replace("has kvm", "has " + "k" * 400),
        HOST.replace("has kvm", "link x\n" * 3000),
    ],
)
def test_an_answer_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        read_facts(text)


@given(st.text(max_size=300))
def test_no_answer_makes_the_reader_fail_otherwise(noise: str) -> None:
    for text in (noise, HOST + noise, HOST.replace("end\n", f"{noise}\nend\n")):
        with suppress(FormatError):
            plan(read_facts(text), WANTED)
    with pytest.raises(FormatError):
        read_checks(noise, planned().steps)


def test_the_interface_of_ssh_and_what_others_made_are_never_written() -> None:
    way = Bridge("eth0", IPv4Network("192.0.2.0/24"), IPv4Address("192.0.2.1"))
    assert "bridge eth0" not in keys(planned(wanted=replace(WANTED, bridges=(way,))))
    over = planned("bridge eth0", wanted=replace(WANTED, bridges=(way,)))
    [step] = [each for each in over.steps if each.key == "bridge eth0"]
    assert step.commands == ()
    [step] = [each for each in planned("made service").steps if each.key == "bridge service"]
    assert step.commands == ()
    assert "10.0.0.0/24 of service meets" in planned("address eth0 10.0.0.77/16").problems[0]
    assert "neither systemd-networkd" in planned(without="has ifupdown").problems[0]
    everything = "\n".join(line for each in planned().steps for line in each.commands)
    for word in ("eth0", "restart", "networkctl", "ifdown", "upgrade -", "dist-upgrade", "reboot"):
        assert word not in everything.replace("--no-upgrade", "").replace(helper_text(), "")


def test_tenders_are_read_strictly() -> None:
    lines = ["tender solo5-hvt.2", "tender solo5-hvt.2", "tender solo5-spt.1", "tender solo5-hvt."]
    lines += ["tender solo5-xen.2", "tender solo5-hvt.22222", "tender rm"]
    found = read_facts(HOST.replace("end\n", "".join(f"{each}\n" for each in lines) + "end\n"))
    assert found.tenders == {"solo5-hvt.2", "solo5-spt.1"}
    assert read_facts(HOST).tenders == frozenset()


def test_systems_and_what_is_there_already_decide() -> None:
    assert planned(without="has systemd").steps == ()
    assert (
        "no packages of albatross for arch-1"
        in plan(read_facts(HOST.replace("debian-12", "arch-1")), WANTED).problems[0]
    )
    assert "source" in keys(planned())
    assert "source" not in keys(planned("has albatross"))
    assert "source" in keys(planned("has albatross", "has ours"))
    assert "source" not in keys(planned("has source"))
    assert "/dev/kvm" in planned(without="has kvm").problems[0]
    [forwarding] = [each for each in planned("has netfilter").steps if each.key == "forwarding"]
    assert "bridge-nf-call-iptables=0" in "".join(forwarding.commands)
    [forwarding] = [
        each for each in planned("has netfilter", "link docker0").steps if each.key == "forwarding"
    ]
    assert "bridge-nf" not in "".join(forwarding.commands)
    assert "account" not in keys(planned(wanted=replace(WANTED, account="root")))


@pytest.mark.parametrize(
    "wishes",
    [
        {"account": "a b"},
        {"account": "$(reboot)"},
        {"key": "ssh-ed25519 AAAA'; reboot"},
        {"git_account": "-x"},
        {"key_fingerprint": "zz"},
        {"bridges": (replace(SERVICE, name="a/b"),)},
        {"repositories": (GitRepository("../x", "main", KEY),)},
        {"repositories": (GitRepository("x;y", "main", KEY),)},
        {"repositories": (GitRepository("x.git", "a b", KEY),)},
    ],
)
def test_what_must_not_stand_in_a_script_of_root_is_refused(wishes: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        replace(WANTED, **wishes)  # type: ignore[arg-type]


def test_only_what_a_person_read_is_agreed_to() -> None:
    whole = planned()
    assert whole.checksum == planned().checksum
    assert whole.checksum != whole.without({"packages"}).checksum


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00\n\r"), max_size=60))
def test_every_value_is_quoted(text: str) -> None:
    """Whatever a title or an expected text holds, the shell reads the script as one."""
    step = Step("x", text, "why", ("true",), "echo so", text, text)
    subprocess.run(["sh", "-n"], input=script([step], "about").encode(), check=True, timeout=10)
