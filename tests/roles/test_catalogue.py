"""The eight roles as data: complete, consistent, and in the order in which they can start."""

from __future__ import annotations

import pytest

from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.conventional import check_conventional
from tenants.formats.roles.role import GIT, INTERNET, Era, ProbeKind
from tenants.formats.text import FormatError
from tenants.formats.unikernels import NEVER_RESTARTED


def test_every_role_comes_after_those_it_depends_on() -> None:
    seen: set[str] = set()
    for role in ROLES.values():
        assert set(role.depends_on) <= seen
        seen.add(role.name)
    assert len(seen) == 8


@pytest.mark.parametrize("name", ROLES)
def test_a_role_is_whole(name: str) -> None:
    role = ROLES[name]
    assert set(role.options) == set(role.eras) == set(role.secrets)
    assert not role.restart_on_exit & NEVER_RESTARTED
    for need in role.needs:
        assert need.to in {GIT, INTERNET, *ROLES}
        if need.to in ROLES:
            assert any(
                p.number == need.port and set(need.protocols) <= set(p.protocols)
                for p in ROLES[need.to].ports
            )
    if role.probe.kind is ProbeKind.RUNNING:
        assert not role.ports
    else:
        assert role.probe.port in {port.number for port in role.ports}


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize("era", Era)
def test_secrets_and_arguments_agree(name: str, era: Era) -> None:
    """Every secret has its argument, and every required secret argument is a secret that is made."""
    role = ROLES[name]
    names = [option.name for option in role.options[era]]
    assert len(set(names)) == len(names)
    for secret in role.secrets[era]:
        option = role.option(era, secret.option)
        assert option is not None
        assert option.secret
    made = {secret.option for secret in role.secrets[era]}
    for option in role.options[era]:
        if option.required and option.secret:
            # Static certificates of 2022 are made by hand, as ptt-deployer made them.
            assert option.name in made or option.name == "--cert-key"


def test_only_what_the_internet_must_reach_is_public() -> None:
    public = {(r.name, p.number) for r in ROLES.values() for p in r.ports if p.public}
    assert public == {("primary", 53), ("submission", 465), ("verifier", 25)}


def test_only_these_speak_to_the_internet() -> None:
    out = {(r.name, n.port) for r in ROLES.values() for n in r.needs if n.to == INTERNET}
    assert out == {("resolver", 53), ("letsencrypt", 443), ("letsencrypt", 53), ("relay", 25)}


def test_writers_are_never_doubled() -> None:
    assert {r.name for r in ROLES.values() if r.single_writer} == {"primary", "letsencrypt"}


def test_who_must_restart_and_why() -> None:
    assert {r.name for r in ROLES.values() if any(x.days for x in r.restarts)} == {"submission", "verifier"}
    assert {r.name for r in ROLES.values() if any("users" in x.after for x in r.restarts)} == {
        "submission",
        "relay",
    }


def test_a_conventional_service_stands_at_the_role_s_port() -> None:
    assert check_conventional("resolver", " 10.0.0.53 ").port == 53
    assert check_conventional("signer", "10.0.0.4", 25).address == "10.0.0.4"


@pytest.mark.parametrize(
    ("role", "address", "port", "field"),
    [
        ("postfix", "10.0.0.1", None, "role"),
        ("resolver", "127.0.0.1", None, "address"),
        ("resolver", "::1", None, "address"),
        ("resolver", "x" * 5000, None, "address"),
        ("signer", "10.0.0.4", 587, "port"),
        ("letsencrypt", "10.0.0.6", 53, "port"),
    ],
)
def test_a_conventional_service_that_nobody_would_reach(
    role: str, address: str, port: int | None, field: str
) -> None:
    with pytest.raises(FormatError) as refused:
        check_conventional(role, address, port)
    assert refused.value.field == field
