"""Running a domain is no right over the account of somebody of a higher rank who has an address in it.

Every action on an address, a request or a member, times the rank of whoever signs in with the address or
holds it, times the rank of who acts. An action that is not named here fails the tests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone

from tenants import access
from tenants.actions import (
    accounts,
    adoption,
    aliases,
    bulk,
    holders,
    imports,
    mailboxes,
    organizations,
    own_account,
    requests,
    targets,
)
from tenants.actions.import_rows import Outcome
from tenants.actor import Actor
from tenants.dryrun import rehearsal
from tenants.errors import Forbidden
from tenants.models import (
    Account,
    AddressRequest,
    ApiToken,
    Finding,
    Holding,
    Mailbox,
    Membership,
    SignInLink,
    TargetAddress,
)
from tests.access.stage import Stage
from tests.conftest import HASH, make_address
from tests.links import ask
from tests.tenants.every_action import ACTIONS
from tests.world import World, add_member

pytestmark = pytest.mark.one_database


@dataclass
class Place:
    """The address boss@…, which somebody signs in with or holds, and the request for a name like it."""

    world: World
    mailbox: Mailbox
    request: AddressRequest
    boss: Account


Act = Callable[[Actor, Place], object]


def _off(place: Place) -> Mailbox:
    Mailbox.objects.filter(pk=place.mailbox.pk).update(enabled=False)
    return place.mailbox


def _trashed(place: Place) -> Mailbox:
    Mailbox.objects.filter(pk=place.mailbox.pk).update(trashed_at=timezone.now())
    place.mailbox.refresh_from_db()
    return place.mailbox


def _of_a_set(results: Sequence[bulk.Result] | Sequence[Outcome]) -> None:
    """A set tells of each what a single action raises."""
    for result in results:
        if result.problems:
            raise Forbidden(result.problems[0].problem)


# What leads mail, or a say over the address, elsewhere.
RANKED: dict[str, Act] = {
    "set_passphrase": lambda a, p: mailboxes.set_passphrase(actor=a, mailbox=p.mailbox, password_hash=HASH),
    "add_target": lambda a, p: targets.add_target(actor=a, mailbox=p.mailbox, address="x@home.example"),
    "remove_target": lambda a, p: targets.remove_target(
        actor=a, mailbox=p.mailbox, address="first@home.example"
    ),
    "send_confirmation_again": lambda a, p: targets.send_confirmation_again(
        actor=a, mailbox=p.mailbox, address="second@home.example"
    ),
    "restore_mailbox": lambda a, p: mailboxes.restore_mailbox(actor=a, mailbox=_trashed(p)),
    "switch_mailbox": lambda a, p: mailboxes.switch_mailbox(actor=a, mailbox=_off(p), enabled=True),
    "add_holder": lambda a, p: holders.add_holder(actor=a, mailbox=p.mailbox, email="x@people.example"),
    "remove_holder": lambda a, p: holders.remove_holder(
        actor=a, mailbox=p.mailbox, email="also@people.example"
    ),
    "hand_over": lambda a, p: holders.hand_over(actor=a, mailbox=p.mailbox, email="x@people.example"),
    "change_mailboxes": lambda a, p: _of_a_set(
        bulk.change_mailboxes(
            actor=a,
            domain=p.world.domain,
            chosen=Mailbox.objects.filter(pk=_off(p).pk),
            deed="switch_on",
            rehearse=True,
        ).results
    ),
    "import_addresses": lambda a, p: _of_a_set(
        imports.import_addresses(
            actor=a, domain=p.world.domain, content=b"address,targets\nboss,x@home.example\n", rehearse=True
        ).preview.outcomes
    ),
}
# The same where the address is not there yet: only who signs in with it counts.
RANKED_BEFORE: dict[str, Act] = {
    "create_mailbox": lambda a, p: mailboxes.create_mailbox(
        actor=a, domain=p.world.domain, local_part="coming", targets=["x@home.example"]
    ),
    "approve_request": lambda a, p: requests.approve_request(actor=a, request=p.request),
}
RANKED_BEFORE["create_alias"] = lambda a, p: aliases.create_alias(
    actor=a, domain=p.world.domain, local_part="coming", delivers_to=[], targets=["x@home.example"]
)
# It is the organization's domain: what gives nobody's mail away stays possible, whoever it is.
FREE: dict[str, Act] = {
    "switch_mailbox": lambda a, p: mailboxes.switch_mailbox(actor=a, mailbox=p.mailbox, enabled=False),
    "change_note": lambda a, p: mailboxes.change_note(actor=a, mailbox=p.mailbox, note="leaves in May"),
    "trash_mailbox": lambda a, p: mailboxes.trash_mailbox(actor=a, mailbox=p.mailbox),
    "refuse_request": lambda a, p: requests.refuse_request(actor=a, request=p.request, reason="No."),
}
# Who belongs to an organization is its owners' to say; an account itself is out of their reach.
OF_OWNERS: dict[str, Act] = {
    "add_member": lambda a, p: organizations.add_member(
        actor=a, organization=p.world.organization, email=p.boss.email, role="viewer"
    ),
    "remove_member": lambda a, p: organizations.remove_member(actor=a, membership=_membership(p)),
}
# Not about somebody's address, request or membership, or only ever about one's own.
ELSEWHERE = {
    "decide_held_messages",
    "let_all_go",
    "let_go",
    "create_service_token",
    "revoke_service_token",
    "change_domain",
    "change_drift_mode",
    "change_own_note",
    "change_quotas",
    "require_second_factor",
    "check_now",
    "confirm_host_key",
    "confirm_reload",
    "connect_repository",
    "create_domain",
    "create_organization",
    "approve_plan",
    "decide_findings",  # a test of its own
    "leave_organization",
    "link_certificate",
    "link_reader",
    "change_restart_pace",
    "restart_for_certificate",
    "restart_readers",
    "unlink_certificate",
    "unlink_reader",
    # Rules and lists of a domain, dates, and the end of what is in the trash.
    "accept_shared_exchange",
    "change_alias_rules",
    "change_expiry",
    "change_request_rules",
    "change_trash_days",
    "empty_trash",
    "extend_address",
    "hold_name",
    "give_domain_role",
    "offer_domain",
    "take_back_offer",
    "accept_offer",
    "hand_over_domain",
    "lift_suspension",
    "make_invitation",
    "suspend_organization",
    "take_domain_role",
    "purge_mailbox",
    "release_name",
    "withdraw_invitation",
    # By the actions that they go through.
    "import_organization",
    "export_organization",
    "ask_for_organization_export",
    "preview_organization_import",
    "apply_organization_import",
    "discard_organization_import",
    "change_deliveries",
    "undo_event",
    "preview_import",
    "renew_import",
    "discard_import",
    "apply_import",
    "recheck",
    "mute_check",
    "unmute_check",
    "keep_dns_elsewhere",
    "request_preview",
    "send_test_mail",
    "remove_firewall_rule",
    "release_firewall",
    "manage_firewall",
    "look_at_preparation",
    "prepare_host",
    "change_firewall_rule",
    "change_firewall",
    "add_firewall_rule",
    "add_host",
    "add_network",
    "add_public_address",
    "add_secondary",
    "answer_add_name",
    "add_volume",
    "make_signing_key",
    "switch_signing_key",
    "remove_signing_key",
    "ask_for_export",
    "fetch_export",
    "change_image",
    "change_primary",
    "change_quota",
    "change_record_sets",
    "change_soa",
    "change_unikernel",
    "connect_update_server",
    "change_update_server",
    "change_update_key",
    "connect_zone_repository",
    "create_key",
    "create_unikernel",
    "create_zone",
    "delete_image",
    "delete_record_set",
    "delete_unikernel",
    "delete_volume",
    "freeze_record_set",
    "freeze_zone",
    "import_zone",
    "look_at_git_host",
    "disconnect_update_server",
    "look_for_ownership",
    "move_zone",
    "remove_zone",
    "let_go_zone",
    "bring_zone_back",
    "pin_host_key",
    "renew_authority",
    "prepare_git_host",
    "remove_host",
    "remove_key",
    "remove_network",
    "remove_public_address",
    "preview_stack",
    "make_stack",
    "look_at_installation",
    "preview_adoption",
    "adopt_stack",
    "take_over_rules",
    "retry_phase",
    "cancel_stack",
    "resume_stack",
    "remove_stack",
    "decide_open_relay",
    "make_canary",
    "follow_letter",
    "preview_upgrade",
    "upgrade_stack",
    "preview_return",
    "make_current",
    "roll_back",
    "remove_secondary",
    "rotate_key",
    "set_record_set",
    "share_host",
    "share_image",
    "start_unikernel",
    "stop_unikernel",
    "unshare_host",
    "upload_image",
    "fetch_image",
    "fetch_image_again",
    "add_feed",
    "change_feed",
    "look_at_feed",
    "take_build",
    "ignore_build",
    "remove_feed",
    "add_webhook",
    "change_webhook",
    "switch_webhook",
    "rotate_webhook_secret",
    "remove_webhook",
    "send_webhook_test",
    "replay_delivery",
    "replay_deliveries",
    "add_build_server",
    "remove_build_server",
}


def test_every_action_says_whether_rank_counts() -> None:
    assert {*RANKED, *RANKED_BEFORE, *FREE, *OF_OWNERS} | ELSEWHERE == set(ACTIONS)


def _membership(place: Place) -> Membership:
    row, _ = Membership.objects.get_or_create(
        organization=place.world.organization, account=place.boss, defaults={"role": "viewer"}
    )
    return row


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
