"""What narrows a token: it may what its account may, or less; never more, and nothing beside its scope."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model
from hypothesis import given
from hypothesis import strategies as st

from tenants import access, token_scopes
from tenants.actions import accounts
from tenants.actions.bulk import change_mailboxes
from tenants.actions.imports import import_addresses
from tenants.actions.token_rows import find_token
from tenants.actor import Actor
from tenants.errors import Absent, ActionError, Forbidden, Invalid
from tenants.formats.text import FormatError
from tenants.models import Account, ApiToken, Domain, Mailbox, Organization
from tests.access.stage import differences, snapshot
from tests.tenants.every_action import ACTIONS
from tests.tenants.every_action.world import World
from tests.tenants.test_every_action import (  # the fixtures too
    _taken_back,
    db,
    people,
    stage,
    world,
)

pytestmark = pytest.mark.one_database

assert _taken_back
assert db
assert people
assert stage
assert world

MAILBOX = {
    "create_mailbox", "set_passphrase", "switch_mailbox", "change_note", "trash_mailbox", "restore_mailbox",
    "add_target", "remove_target", "send_confirmation_again", "send_test_mail", "accept_shared_exchange",
    "add_holder", "remove_holder", "hand_over", "create_alias", "change_deliveries", "change_expiry",
    "extend_address",
}  # fmt: skip
# What makes many addresses lets in whoever may make one; each row then asks for what it does.
MANY = {
    "preview_import", "renew_import", "discard_import", "apply_import", "import_addresses",
    "change_mailboxes",
}  # fmt: skip
# What is about a repository that may hold the zones of several domains, or about the other domain.
ZONES = {
    "connect_zone_repository", "look_at_git_host", "prepare_git_host", "change_primary", "create_zone",
    "look_for_ownership", "bring_zone_back",
    "connect_update_server", "change_update_server", "change_update_key", "disconnect_update_server",
    "move_zone", "offer_domain", "take_back_offer", "hand_over_domain",
}  # fmt: skip
# What belongs to an organization, and to no domain alone.
MACHINES = {
    "add_host", "pin_host_key", "renew_authority", "remove_host", "share_host", "unshare_host",
    "change_quota", "add_network", "remove_network", "add_volume", "delete_volume",
    "upload_image", "fetch_image", "fetch_image_again",
    "add_feed", "change_feed", "look_at_feed", "take_build", "ignore_build", "remove_feed",
    "add_webhook", "change_webhook", "switch_webhook", "rotate_webhook_secret", "remove_webhook",
    "send_webhook_test", "replay_delivery", "replay_deliveries",
    "change_image", "share_image", "delete_image",
    "create_unikernel", "change_unikernel", "stop_unikernel", "start_unikernel", "delete_unikernel",
    "link_reader", "unlink_reader", "restart_readers",
    "link_certificate", "unlink_certificate", "restart_for_certificate",
    "answer_add_name", "add_public_address", "remove_public_address",
}  # fmt: skip
# Mail stacks of other domains; making one also takes a host.
STACKS = {
    *("preview_stack", "make_stack", "resume_stack"),
    *("look_at_installation", "preview_adoption", "adopt_stack"),
    *("preview_upgrade", "upgrade_stack", "preview_return", "make_current", "roll_back"),
    "follow_letter",
}
MOVING = {
    "preview_organization_import", "apply_organization_import", "discard_organization_import",
}  # fmt: skip
AROUND = {
    "export_organization",
    "ask_for_organization_export",
    "import_organization",
    *MOVING,
    "let_go",
    "let_all_go",
    "decide_held_messages",
    "add_build_server",
    "remove_build_server",
    "add_member",
    "create_service_token",
    "revoke_service_token",
    "remove_member",
    "create_domain",
    "accept_offer",
    "create_organization",
    "change_quotas",
    "require_second_factor",
    "suspend_organization",
    "lift_suspension",
}
# scope → what an owner's token with it may do, of all that the owner may.
SCOPES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "its domain": (
        {"domain": "example.org"},
        set(ACTIONS) - AROUND - ZONES - MACHINES - STACKS - {"connect_repository"},
    ),
    "another domain": ({"domain": "second.example"}, {"connect_repository", "resume_stack"}),
    "mailboxes": ({"kinds": {"mailbox"}}, MAILBOX | MANY),
    "requests": ({"kinds": {"address request"}}, {"approve_request", "refuse_request"}),
    "events": ({"kinds": {"event"}}, set()),
    "making": (
        {"verbs": {"create"}},
        {
            "create_mailbox",
            "create_alias",
            "hold_name",
            "make_signing_key",
            "make_invitation",
            "give_domain_role",
            "create_domain",
            "accept_offer",
            "export_organization",
            "import_organization",
            "ask_for_organization_export",
            *MOVING,
            "check_now",
            "recheck",
            "request_preview",
            "add_member",
            "connect_zone_repository",
            "connect_update_server",
            "add_host",
            "add_volume",
            "upload_image",
            "fetch_image",
            "fetch_image_again",
            "create_unikernel",
            "preview_stack",
            "preview_adoption",
            "adopt_stack",
            "add_feed",
            "add_webhook",
            "ask_for_export",  # and cannot fetch it
            *MANY,
        },
    ),
    "making mailboxes": (
        {"verbs": {"create"}, "kinds": {"mailbox"}},
        {"create_mailbox", "create_alias", *MANY},
    ),
    "deleting": (
        {"verbs": {"delete"}, "domain": "example.org"},
        {
            "take_domain_role",
            "trash_mailbox",
            "restore_mailbox",
            "purge_mailbox",
            "empty_trash",
            "release_name",
            "remove_key",
            "remove_signing_key",
            "withdraw_invitation",
            "remove_zone",
            "let_go_zone",
            "remove_stack",
            "undo_event",
        },
    ),
    "deciding": (
        {"verbs": {"decide"}},
        {
            "approve_request",
            "refuse_request",
            "approve_plan",
            "confirm_reload",
            "decide_findings",
            "decide_open_relay",
        },
    ),
}


def narrowed(actor: Actor, scope: dict[str, Any]) -> Actor:
    values: dict[str, Any] = {name: frozenset(value) for name, value in scope.items() if name != "domain"}
    if "domain" in scope:
        values["domain_id"] = Domain.objects.get(name=scope["domain"]).pk
    return replace(actor, token="k", **values)


def does(actor: Actor, name: str, world: World) -> bool:
    """Does the action let this actor in? It is taken back."""
    _, act = ACTIONS[name]
    try:
        with transaction.atomic():
            act(actor, world)
            transaction.set_rollback(True)
    except (Absent, Forbidden):
        return False
    except ActionError:
        return True  # a matter of state
    return True


@pytest.mark.parametrize("scope", SCOPES)
def test_what_a_scope_leaves(scope: str, world: World, people: dict[str, Actor]) -> None:
    before = snapshot()
    narrow, wanted = SCOPES[scope]
    owner = people["O"]
    token = narrowed(owner, narrow)
    wanted = wanted & {name for name, (allowed, _) in ACTIONS.items() if "O" in allowed}
    assert {name for name in ACTIONS if does(fresh(token), name, Reread(world))} == wanted
    assert set(differences(before, snapshot())) <= {"Allowance"}


def fresh(actor: Actor) -> Actor:
    return replace(actor)


class Reread(World):
    """The world's rows as they are in the database, each read when it is asked for.

    Actions change the rows that they are given, also when it is taken back.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattribute__(self, name: str) -> Any:
        found = getattr(object.__getattribute__(self, "_world"), name)
        return type(found)._default_manager.get(pk=found.pk) if isinstance(found, Model) else found


@pytest.mark.parametrize(
    "who", ["V", "M", "H", "P", "owner of another organization", "owner's read-only key"]
)
def test_a_scope_never_widens(who: str, world: World, people: dict[str, Actor]) -> None:
    actor = people[who]
    beyond = {name for name in ACTIONS if not does(fresh(actor), name, Reread(world))}
    assert beyond
    for scope, _ in SCOPES.values():
        token = narrowed(actor, scope)
        assert not {name for name in beyond if does(fresh(token), name, Reread(world))}


@pytest.mark.parametrize("scope", SCOPES)
def test_what_is_seen_is_what_may_be_seen(scope: str, world: World, people: dict[str, Actor]) -> None:
    """Lists and single things agree, and a list is never longer than the person's own."""
    for who in ("O", "V", "H", "P"):
        token = narrowed(people[who], SCOPES[scope][0])
        for model in access.KINDS:
            seen = set(access.visible_to(token, model))
            own = set(access.visible_to(people[who], model))
            assert seen <= own, (who, model)
            for row in model._default_manager.all():
                assert access.may(token, access.Verb.VIEW, row) is (row in seen), (who, row)


def test_what_is_no_scope_is_refused_by_name(world: World, people: dict[str, Actor]) -> None:
    alice, charlie, domain = people["O"], people["owner of another organization"], world.domain
    theirs = Organization.objects.get(name="Difference Works")
    for wish, field in (
        ({"kinds": ["mailboxes"]}, "kinds"),
        ({"verbs": ["see"]}, "verbs"),
        ({"networks": ["10.0.0.0/33"]}, "networks"),
        ({"networks": ["10.0.0.1"] * 21}, "networks"),
    ):
        with pytest.raises(Invalid) as refused:
            accounts.create_token(actor=alice, name="x", **wish)  # type: ignore[arg-type]
        assert [each.field for each in refused.value.problems] == [field]
    with pytest.raises(Absent):
        accounts.create_token(actor=charlie, name="x", domain=domain)
    olga = Actor(account=Account.objects.get(email="olga@people.example"))
    with pytest.raises(Invalid):
        accounts.create_token(actor=olga, name="x", domain=domain, organization=theirs)
    assert not ApiToken.objects.exists()


def test_a_token_works_from_its_networks_only(people: dict[str, Actor]) -> None:
    row, key = accounts.create_token(actor=people["O"], name="x", networks=["192.0.2.7/24", "2001:db8::/32"])
    assert row.networks == ["192.0.2.0/24", "2001:db8::/32"]
    for ip in ("192.0.2.200", "2001:db8::1", "::ffff:192.0.2.1"):
        assert find_token(key, ip) == row
    row.refresh_from_db()
    used = row.last_used_at
    for ip in ("192.0.3.1", "2001:db9::1", "", None):
        assert find_token(key, ip or None) is None
    row.refresh_from_db()
    assert row.last_used_at == used


@given(st.lists(st.ip_addresses(v=6).map(str), max_size=5), st.ip_addresses(v=4).map(str))
def test_an_address_is_a_network_of_itself(addresses: list[str], other: str) -> None:
    networks = token_scopes.check_networks(addresses)
    assert all(token_scopes.is_allowed_from(networks, each) for each in addresses)
    assert token_scopes.is_allowed_from([*networks, other], other)


@given(st.text())
def test_any_text_is_a_network_or_is_refused(text: str) -> None:
    refused = None
    try:
        assert token_scopes.check_networks([text])
    except FormatError as error:
        refused = error
    assert refused is None or (refused.field, bool(refused.fix)) == ("networks", True)


def test_many_are_changed_only_as_far_as_one_may_be(world: World, people: dict[str, Actor]) -> None:
    maker = narrowed(people["O"], {"verbs": {"create"}, "kinds": {"mailbox"}})
    before = snapshot()
    for deed in ("trash", "switch_off", "set_note"):
        done = change_mailboxes(
            actor=fresh(maker),
            domain=world.domain,
            chosen=Mailbox.objects.filter(pk=world.mailbox.pk),
            deed=deed,
            note="Taken over",
            rehearse=True,
        )
        assert [result.verdict for result in done.results] == ["refused"], deed
    table = b"address,note\nada,Taken over\n"
    with pytest.raises(Invalid, match="may not manage"):
        import_addresses(actor=fresh(maker), domain=world.domain, content=table)
    assert set(differences(before, snapshot())) <= {"Allowance"}
