"""The next release: what is made beside what runs, what is replaced in place, what stays; in which steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.rules import Chain
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import Era
from tenants.formats.stacks.needs import before_it_serves, firewall_needs, side_by_side
from tenants.formats.stacks.placing import Placed
from tenants.formats.stacks.plan import StepKind, plan_stack
from tenants.formats.stacks.upgrade import IN_PLACE, NextRelease, next_release, upgrade_steps
from tenants.formats.stacks.wish import Wish
from tenants.formats.text import FormatError
from tests.stacks.wishes import images, wish

FIRST = plan_stack(wish()).roles
DIGESTS = {name: choice.digest for name, choice in images().items()}


def second(*changed: str, era: Era = Era.P23, **others: object) -> Wish:
    """The wish for a second release in which some roles have another image."""
    newer = {name: replace(images(era)[name], digest="ff" * 32) for name in changed}
    taken = frozenset(each.address for each in FIRST)
    return wish(images={**images(), **newer}, release=2, taken=taken, **others)


def following(*changed: str, pinned: tuple[str, ...] = (), era: Era = Era.P23) -> NextRelease:
    return next_release(second(*changed, era=era), FIRST, DIGESTS, pinned)


def by_role(roles: tuple[Placed, ...]) -> Mapping[str, Placed]:
    return {each.role.name: each for each in roles}


@pytest.mark.parametrize(
    ("changed", "beside"),
    [
        ("verifier", {"verifier"}),
        ("submission", {"submission"}),
        ("spamfilter", {"spamfilter", "verifier"}),
        ("signer", {"signer", "submission"}),
        ("relay", {"relay", "signer", "submission", "spamfilter", "verifier"}),
        ("resolver", {"resolver", "relay", "signer", "submission", "spamfilter", "verifier"}),
        ("primary", set()),
        ("letsencrypt", set()),
    ],
)
def test_what_was_told_the_address_of_a_changed_role_changes_too(changed: str, beside: set[str]) -> None:
    found = following(changed)
    assert found.beside == beside
    assert found.in_place == ({changed} if not beside else set())


def test_what_is_beside_has_a_new_name_and_address_and_the_rest_is_kept_to_the_letter() -> None:
    found = following("signer")
    old, new = by_role(FIRST), by_role(found.roles)
    assert new["signer"].label == "x25519-net-signer-2"
    assert new["submission"].label == "x25519-net-submission-2"
    assert f"--destination={new['signer'].address}" in new["submission"].arguments
    assert f"--destination={old['relay'].address}" in new["signer"].arguments
    everybody = [each.address for each in (*FIRST, *(new[name] for name in found.beside))]
    assert len(everybody) == len(set(everybody))
    for name in ROLES:
        if name not in found.beside:
            assert new[name] == old[name]


def test_secrets_of_a_role_have_the_same_names_in_every_generation() -> None:
    found = following("signer", era=Era.P24)
    new = by_role(found.roles)["signer"]
    assert "--seed={secret:dkim-seed}" in new.arguments
    assert {each.name for each in new.secrets} == {each.name for each in by_role(FIRST)["signer"].secrets}


def test_a_role_whose_address_others_were_told_stays_at_it() -> None:
    found = following("resolver", pinned=("resolver",))
    assert (found.beside, found.in_place) == (frozenset(), {"resolver"})
    assert by_role(found.roles)["resolver"].label == "x25519-net-resolver-1"


@given(st.sets(st.sampled_from(list(ROLES)), min_size=1), st.sets(st.sampled_from(list(ROLES))))
def test_no_two_of_those_that_must_be_alone_and_everybody_knows_the_right_next(
    changed: set[str], pinned: set[str]
) -> None:
    found = following(*changed, pinned=tuple(pinned))
    assert not found.beside & (IN_PLACE | pinned)
    assert changed <= found.changed
    assert found.in_place <= IN_PLACE | pinned
    new = by_role(found.roles)
    assert [*new] == [*ROLES]
    for name, hop in {"submission": "signer", "signer": "relay", "verifier": "spamfilter"}.items():
        assert f"--destination={new[hop].address}" in new[name].arguments


def test_nothing_to_change_and_wrong_images_are_refused() -> None:
    with pytest.raises(FormatError, match="has this image already"):
        following()
    with pytest.raises(FormatError, match="certificates between the hops") as refused:
        following("relay", era=Era.P22)
    assert refused.value.field == "relay"


def test_a_full_network_is_told_before_anything_is_done() -> None:
    full = frozenset(f"10.0.0.{last}" for last in range(2, 255))
    with pytest.raises(FormatError, match="no free address for another receiver"):
        next_release(replace(second("verifier"), taken=full), FIRST, DIGESTS)


# the steps --------------------------------------------------------------------------------------------


def test_every_step_is_told_with_what_does_it_by_hand() -> None:
    target = second("verifier", "primary")
    steps = upgrade_steps(target, FIRST, next_release(target, FIRST, DIGESTS))
    assert [step.kind for step in steps] == [
        StepKind.ADDRESSES,
        StepKind.FIREWALL,
        StepKind.UNIKERNEL,
        StepKind.TRIAL,
        StepKind.REPLACE,
        StepKind.FLIP,
        StepKind.CHECK,
        StepKind.DRAIN,
        StepKind.REMOVE,
    ]
    lines = {step.kind: "\n".join(step.commands) for step in steps}
    old, new = by_role(FIRST)["verifier"], "10.0.0.10"
    assert "create x25519-net-verifier-2" in lines[StepKind.UNIKERNEL]
    assert "create x25519-net-primary-1" in lines[StepKind.REPLACE]
    assert "--force" in lines[StepKind.REPLACE]
    assert "--force" not in lines[StepKind.UNIKERNEL]
    assert f"--to-destination {new}:25" in lines[StepKind.FLIP]
    assert f"{old.address}:25" not in lines[StepKind.FLIP]
    assert "albatross-client destroy x25519-net-verifier-1" in lines[StepKind.REMOVE]
    assert "destroy x25519-net-primary" not in lines[StepKind.REMOVE]
    told = " ".join(steps[0].what)
    assert f"receiver: {new}, beside the old one at {old.address}" in told
    assert "relay: 10.0.0.5, stays as it is" in told


def test_between_two_releases_only_where_the_ports_lead_changes() -> None:
    """So the flip is one write of one chain."""
    found = following("relay")
    before, after = (
        firewall_needs(wish(), roles, {name: each.address for name, each in by_role(roles).items()})
        for roles in (FIRST, found.roles)
    )
    old = derive(side_by_side(before, after, serves=before))
    new = derive(side_by_side(before, after, serves=after))
    assert [rule for rule in old if rule.chain is not Chain.DNAT] == [
        rule for rule in new if rule.chain is not Chain.DNAT
    ]
    flipped = [rule for rule in new if rule.chain is Chain.DNAT]
    assert flipped == [rule for rule in derive(after) if rule.chain is Chain.DNAT]
    assert flipped != [rule for rule in old if rule.chain is Chain.DNAT]
    closed = derive(before_it_serves(side_by_side(before, after, serves=after)))
    assert not [rule for rule in closed if rule.port in {25, 465} and rule.chain is Chain.DNAT]
