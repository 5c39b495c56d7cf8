"""Addresses, rules, arguments and signatures of the stack's stand-ins: what needs no server."""

from __future__ import annotations

import base64
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.rules import Chain
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import Era
from tenants.formats.stacks.plan import plan_stack
from tenants.formats.zones.seeded_keys import rsa_private_key, rsa_public_key
from tests.sandbox.dkim_reading import verified
from tests.stacks.wishes import wish
from workers.sandbox.stack.dkim import MalformedError, Signing, sign
from workers.sandbox.stack.images import ROLE_IMAGES, role_of
from workers.sandbox.stack.nat import NO_RULES, nat_of
from workers.sandbox.stack.realm import Realm
from workers.sandbox.stack.unikernel import BAD_ARGUMENTS, EndsError, read_arguments

KEY = rsa_private_key(b"a seed", 1024)
PUBLIC = base64.b64encode(rsa_public_key(b"a seed", 1024)).decode()
SIGNING = Signing("our.test", "s1", KEY, ("from", "subject"))


def test_a_private_address_has_its_place_on_loopback() -> None:
    realm = Realm(77)
    assert realm.here("10.0.0.7") == "127.77.0.7"
    assert realm.here("127.0.10.4") == "127.0.10.4"
    assert realm.here("10.1.0.7") != realm.here("10.0.0.7") != realm.here("192.168.0.7")
    with pytest.raises(ValueError, match="number"):
        Realm(10)


@given(st.ip_addresses(v=4), st.integers(64, 127))
def test_every_address_stays_on_this_machine(address: IPv4Address, number: int) -> None:
    here = IPv4Address(Realm(number).here(address))
    assert here in IPv4Network("127.0.0.0/8")
    assert here == Realm(number).here(address) or here.packed[3] == address.packed[3] or address.is_loopback


def tables(*, jump: bool = True) -> dict[str, dict[str, list[str]]]:
    rules = derive(plan_stack(wish()).intent)
    chains = {
        chain.label: [" ".join(rule.words()) for rule in rules if rule.chain is chain]
        for chain in (Chain.DNAT, Chain.SNAT)
    }
    hooks = {"PREROUTING": [f"-j {Chain.DNAT.label}"], "POSTROUTING": [f"-j {Chain.SNAT.label}"]}
    return {"nat": {**(hooks if jump else {"PREROUTING": [], "POSTROUTING": []}), **chains}}


def test_a_plans_rules_are_read_back() -> None:
    plan, nat = plan_stack(wish()), nat_of(tables())
    public = "76.8.60.93"
    assert nat.target(public, "tcp", 25, "192.0.2.1") == (plan.addresses["verifier"], 25)
    assert nat.target(public, "tcp", 465, "192.0.2.1") == (plan.addresses["submission"], 465)
    assert nat.target(public, "tcp", 26, "192.0.2.1") is None
    assert nat.target("76.8.60.94", "tcp", 25, "192.0.2.1") is None
    assert (public, "udp", 53) in nat.doors
    assert nat.leaves_as(plan.addresses["relay"], "192.0.2.1", 25) == public
    assert nat.leaves_as(plan.addresses["signer"], "192.0.2.1", 25) is None
    assert nat.publics == {public}


def test_chains_to_which_nothing_jumps_do_nothing() -> None:
    assert nat_of(tables(jump=False)) == NO_RULES


def test_images_are_known_by_their_bytes() -> None:
    assert len(ROLE_IMAGES) == 16
    assert role_of(bytes(32)) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([b"--colour=red"], "unknown option '--colour'"),
        ([b"surplus"], "too many arguments"),
        ([], "required option --domain is missing"),
        ([b"--domain=a.test", b"--domain=b.test"], "'--domain' cannot be repeated"),
        ([b"--dns-key=hunter2"], "'--dns-key': invalid value"),
        ([b"--private-key=hunter2=hunter2"], "'--private-key': invalid value"),
        ([b"--seed=hunter2"], "unknown option '--seed'"),
        ([b"\xff\xfe"], "too many arguments or unknown option"),
    ],
)
def test_wrong_arguments_end_a_unikernel_and_are_not_repeated(words: list[bytes], said: str) -> None:
    with pytest.raises(EndsError) as ended:
        read_arguments(ROLES["signer"], Era.P23, words)
    assert ended.value.code == BAD_ARGUMENTS
    assert said in str(ended.value)
    assert "hunter2" not in str(ended.value)


text = st.text(st.characters(codec="ascii", exclude_characters="\r\n\0\x0b\x0c\x1c\x1d\x1e\x1f"), max_size=40)


@settings(max_examples=60, deadline=None)
@given(text, st.lists(text, max_size=6))
def test_signatures_hold_whatever_the_mail_says(subject: str, lines: list[str]) -> None:
    body = "".join(f"{line}\r\n" for line in lines)
    mail = f"From: a@our.test\r\nSubject: {subject}\r\n folded\r\n\r\n{body}".encode()
    assert verified(sign(mail, SIGNING), PUBLIC)
    other = mail.replace(b"From: a@", b"From: b@")
    assert not verified(sign(mail, SIGNING).replace(mail, other), PUBLIC)


def test_a_mail_without_fields_is_lost_by_the_signer() -> None:
    for mail in (b"", b"no field at all\r\n\r\n", b"X-Other: 1\r\n\r\nx\r\n"):
        with pytest.raises(MalformedError):
            sign(mail, SIGNING)
