"""Running a domain is no right over the account of somebody of a higher rank who has an address in it.

Every action on an address, a request or a member, times the rank of whoever signs in with the address or
holds it, times the rank of who acts. An action that is not named here fails the tests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from tenants import access
from tenants.actions import (
    accounts,
    adoption,
    holders,
    own_account,
    requests,
    targets,
)
from tenants.actor import Actor
from tenants.dryrun import rehearsal
from tenants.errors import Forbidden
from tenants.models import (
    Account,
    ApiToken,
    Finding,
    Holding,
    SignInLink,
    TargetAddress,
)
from tests.access.ranked import ELSEWHERE, FREE, OF_OWNERS, RANKED, RANKED_BEFORE, Act, Place
from tests.access.stage import Stage
from tests.conftest import make_address
from tests.links import ask
from tests.tenants.every_action import ACTIONS
from tests.world import add_member

pytestmark = pytest.mark.one_database


def test_every_action_says_whether_rank_counts() -> None:
    assert {*RANKED, *RANKED_BEFORE, *FREE, *OF_OWNERS} | ELSEWHERE == set(ACTIONS)


# Ranks as numbers: whoever acts needs at least the boss's. `elsewhere` stands above all but operators.
ABOVE_ALL = 5
ACTORS = {"mona": 3, "alice": 4, "olga": 5}
SIGNS_IN = {
    "stranger": 0,
    "holder": 1,
    "viewer": 2,
    "manager": 3,
    "owner": 4,
    "holder elsewhere": ABOVE_ALL,
    "viewer elsewhere": ABOVE_ALL,
    "owner elsewhere": ABOVE_ALL,
    "operator": ABOVE_ALL,
}
# Whoever holds an address signs in elsewhere: what they may do in other organizations is not at stake.
HOLDS = {
    "stranger": 1,
    "viewer": 2,
    "manager": 3,
    "owner": 4,
    "holder elsewhere": 1,
    "owner elsewhere": 1,
    "operator": ABOVE_ALL,
}
CASES = [
    *(("signs in", rank, needed) for rank, needed in SIGNS_IN.items()),
    *(("holds", rank, needed) for rank, needed in HOLDS.items()),
]


def _place(stage: Stage, how: str, rank: str) -> Place:
    world, alice = stage.ours, stage.people["alice"].actor
    assert alice is not None
    mailbox = make_address(alice, world.domain, "boss", "first@home.example")
    targets.add_target(actor=alice, mailbox=mailbox, address="second@home.example")
    name = world.domain.name
    boss = accounts.account_for(f"boss@{name}" if how == "signs in" else "boss@people.example")
    holders.add_holder(actor=alice, mailbox=mailbox, email="also@people.example")
    request, _, token = ask(world.domain, "asked")
    request = requests.confirm_request(actor=Actor(), confirm_token=token)
    people = [boss]
    if how == "signs in":
        people += [accounts.account_for(f"{each}@{name}") for each in ("coming", "asked")]
    else:
        Holding.objects.create(mailbox=mailbox, account=boss, since=timezone.now())
    for person in people:
        _promote(stage, person, rank)
    boss.refresh_from_db()
    mailbox.refresh_from_db()
    return Place(world, mailbox, request, boss)


def _promote(stage: Stage, person: Account, rank: str) -> None:
    what, _, where = rank.partition(" ")
    world = stage.theirs if where else stage.ours
    if what == "operator":
        Account.objects.filter(pk=person.pk).update(is_staff=True)
    elif what == "holder":
        Holding.objects.create(mailbox=world.mailbox, account=person, since=timezone.now())
    elif what != "stranger":
        add_member(world.organization, person.email, what)


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]} {case[1]}")
def case(request: pytest.FixtureRequest, stage: Stage) -> Iterator[tuple[str, int, Place]]:
    how, rank, needed = request.param
    with rehearsal():
        yield how, needed, _place(stage, how, rank)


def _tried(act: Act, actor: Actor, place: Place) -> str:
    """What became of it; taken back, whatever it was."""
    with rehearsal():
        try:
            act(actor, place)
        except Forbidden as error:
            answer = error.sentence
        else:
            answer = "done"
    place.mailbox.refresh_from_db()
    place.request.refresh_from_db()
    return answer


def test_whoever_ranks_below_is_refused(stage: Stage, case: tuple[str, int, Place]) -> None:
    how, needed, place = case
    actions = {**RANKED, **RANKED_BEFORE} if how == "signs in" else RANKED
    for who, rank in ACTORS.items():
        actor = stage.people[who].actor
        assert actor is not None
        for name, act in actions.items():
            answer = _tried(act, actor, place)
            assert answer == "done" if rank >= needed else answer.endswith("operator."), (who, name, answer)
        for name, act in FREE.items():
            assert _tried(act, actor, place) == "done", (who, name)
    for name, act in OF_OWNERS.items():
        for who in ("alice", "olga"):
            actor = stage.people[who].actor
            assert actor is not None
            assert _tried(act, actor, place) == "done", (who, name)


def test_nothing_touches_how_somebody_else_signs_in(stage: Stage, case: tuple[str, int, Place]) -> None:
    """Whatever is done with their address: sign-in, password, links, keys and sessions stay as they are."""
    _, _, place = case
    accounts.create_token(actor=Actor(account=place.boss), name="program")
    accounts.ask_for_sign_in_link(actor=Actor(), email=place.boss.email)

    def signing_in() -> list[Any]:
        rows = (Account.objects.filter(pk=place.boss.pk), ApiToken.objects.filter(account=place.boss))
        return [*(list(each.values()) for each in rows), _links(place.boss)]

    before = signing_in()
    for who in ACTORS:
        actor = stage.people[who].actor
        assert actor is not None
        for act in (*RANKED.values(), *FREE.values(), *OF_OWNERS.values()):
            with rehearsal():
                with contextlib.suppress(Forbidden):
                    act(actor, place)
                after = signing_in()
            place.mailbox.refresh_from_db()
            place.request.refresh_from_db()
            assert after == before


def _links(person: Account) -> list[Any]:
    """Those that were there stay usable; a mail to the person themselves may hold one more."""
    rows = SignInLink.objects.filter(account=person).order_by("pk")
    return list(rows.values_list("digest", "used_at", "expires_at"))[:1]


def test_whoever_shares_an_address_acts_on_it_whatever_the_others_are(stage: Stage) -> None:
    mona = stage.people["mona"].actor
    assert mona is not None
    assert mona.account is not None
    with rehearsal():
        place = _place(stage, "holds", "operator")
        assert _tried(RANKED["set_passphrase"], mona, place).endswith("operator.")
        Holding.objects.create(mailbox=place.mailbox, account=mona.account, since=timezone.now())
        for name, act in RANKED.items():
            assert _tried(act, mona, place) == "done", name


def test_whoever_shares_a_sign_in_of_somebody_higher_does_not_change_it(stage: Stage) -> None:
    """Holding an address with which an operator signs in would be enough to become one."""
    with rehearsal():
        place = _place(stage, "signs in", "operator")
        also = Actor(account=Account.objects.get(email="also@people.example"))
        for name in ("set_passphrase", "add_target", "remove_target", "send_confirmation_again"):
            assert _tried(RANKED[name], also, place).endswith("Ask an operator."), name
        assert TargetAddress.objects.filter(mailbox=place.mailbox).count() == 2


def test_what_somebody_wrote_outside_is_not_taken_over_for_those_above(stage: Stage) -> None:
    """Whoever edits the repository leads mail elsewhere at once; Rookery does not come to want it, too."""
    alice, olga = stage.people["alice"].actor, stage.people["olga"].actor
    assert alice is not None
    assert olga is not None
    with rehearsal():
        place = _place(stage, "signs in", "operator")
        target = stage.ours.target
        found = Finding.objects.get(target=target, unit="foreign")
        for unit in ("boss", "shared"):
            found.pk, found.unit = None, unit
            found.save(force_insert=True)
        shared = make_address(alice, place.world.domain, "shared", holder=olga.account)
        for unit in ("boss", "shared"):
            with pytest.raises(Forbidden, match="operator"):
                adoption.decide_findings(
                    actor=alice, target=target, decision="adopt", units=["foreign", unit]
                )
        assert adoption.decide_findings(actor=alice, target=target, decision="adopt") == 1
        decided = Finding.objects.filter(target=target, decision="adopt")
        assert [row.unit for row in decided] == ["foreign"]
        assert adoption.decide_findings(actor=olga, target=target, decision="adopt") == 3
        assert access.names_above(alice, shared.domain, ["ada", "boss", "shared"]) == {"boss", "shared"}
        assert not access.names_above(olga, shared.domain, ["ada", "boss", "shared"])


def test_nobody_deletes_the_account_of_somebody_else(stage: Stage) -> None:
    """There is no such door: the action takes whoever acts, and a program's key is not enough."""
    with rehearsal():
        place = _place(stage, "signs in", "viewer")
        olga = stage.people["olga"].actor
        assert olga is not None
        with pytest.raises(TypeError):
            own_account.delete_account(actor=olga, account=place.boss)  # type: ignore[call-arg]
        with pytest.raises(Forbidden):
            own_account.delete_account(actor=Actor(account=place.boss, token="program"))
        assert Account.objects.filter(pk=place.boss.pk).exists()
