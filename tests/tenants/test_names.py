"""Names that are held back: refused at every door, by the reason, until an owner lets them go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenants import tokens
from tenants.actions import adoption, aliases, domains, mailboxes, names, repositories, requests
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.formats.relay_entry import NO_LOGIN, RelayEntry
from tenants.models import AddressRequest, Domain, Event, Finding, HeldName, Mailbox, SyncTarget
from tests.conftest import HASH, account

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(alice: Actor, domain: Domain) -> HeldName:
    return names.hold_name(actor=alice, domain=domain, local_part="old", reason="Left in anger.")


@pytest.fixture
def relay(alice: Actor, domain: Domain) -> SyncTarget:
    return repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    ).sync_target


REFUSED = r"“old” is not given again\. Alice said so on .*: Left in anger\."


def test_making_an_address_or_an_alias_is_refused(
    held: HeldName, alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox()
    with pytest.raises(Invalid, match=REFUSED) as refused:
        make_mailbox("old")
    assert refused.value.problems[0].field == "local_part"
    assert "An owner can take it off the list" in str(refused.value)
    with pytest.raises(Invalid, match=REFUSED):
        aliases.create_alias(actor=alice, domain=domain, local_part="old", delivers_to=["ada"])
    assert not Mailbox.objects.filter(local_part="old").exists()


def test_a_request_for_it_ends_like_for_one_that_is_taken(held: HeldName, alice: Actor) -> None:
    domains.change_domain(actor=alice, domain=held.domain, requests="moderated")
    asked = requests.submit_request(
        actor=Actor(), domain=held.domain, local_part="old", target="g@home.example", password_hash=HASH
    ).request
    AddressRequest.objects.update(confirm_digest=tokens.digest("t"))
    assert requests.confirm_request(actor=Actor(), confirm_token="t").status == "taken"
    AddressRequest.objects.filter(pk=asked.pk).delete()


def test_approving_what_was_held_back_meanwhile_is_refused(alice: Actor, domain: Domain) -> None:
    domains.change_domain(actor=alice, domain=domain, requests="moderated")
    asked = requests.submit_request(
        actor=Actor(), domain=domain, local_part="old", target="g@home.example", password_hash=HASH
    ).request
    AddressRequest.objects.update(confirm_digest=tokens.digest("t"))
    requests.confirm_request(actor=Actor(), confirm_token="t")
    names.hold_name(actor=alice, domain=domain, local_part="old", reason="Left in anger.")
    with pytest.raises(Invalid, match=REFUSED):
        requests.approve_request(actor=alice, request=asked)


def test_taking_over_is_refused_and_can_not_be_decided(
    held: HeldName, alice: Actor, relay: SyncTarget
) -> None:
    entry = RelayEntry(("x@home.example",), NO_LOGIN)
    with pytest.raises(Invalid, match=REFUSED):
        adoption.take_over(actor=Actor.rookery(), target=relay, addresses=[adoption.Outside("old", entry)])
    for unit in ("old", "mary"):
        Finding.objects.create(
            target=relay,
            unit=unit,
            kind="foreign",
            sentence="x",
            takeable=True,
            since=held.since,
            outside_id="1",
        )
    with pytest.raises(Invalid, match="“old” is not given again"):
        adoption.decide_findings(actor=alice, target=relay, decision="adopt", units=["old"])
    assert adoption.decide_findings(actor=alice, target=relay, decision="adopt") == 1
    assert list(Finding.objects.filter(decision="adopt").values_list("unit", flat=True)) == ["mary"]


def test_deleting_can_end_a_name_and_an_owner_can_take_it_off(
    make_mailbox: Callable[..., Mailbox], alice: Actor
) -> None:
    mailbox = make_mailbox()
    mailboxes.trash_mailbox(actor=alice, mailbox=mailbox, never_again=True, reason="Known to spammers")
    event = Event.objects.latest("pk")
    assert event.after["never_again"] is True
    assert event.reason == "Known to spammers"
    with pytest.raises(Invalid, match=r"not given again\. Alice said so .*: Known to spammers\."):
        mailboxes.restore_mailbox(actor=alice, mailbox=mailbox)
    row = HeldName.objects.get(kind="never")
    assert (row.local_part, row.kind, row.by) == ("ada", "never", alice.account)
    names.release_name(actor=alice, held=row)
    mailboxes.restore_mailbox(actor=alice, mailbox=mailbox)


def test_reserved_is_for_the_team(alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]) -> None:
    names.hold_name(actor=alice, domain=domain, local_part="boss", kind="reserved")
    with pytest.raises(Invalid, match="“boss” is reserved for the domain's team"):
        names.require_free_name(domain, "boss", Actor(account=account("dora")))
    make_mailbox("boss", "b@home.example")


def test_never_again_goes_before_reserved(alice: Actor, domain: Domain) -> None:
    for kind in ("reserved", "never"):
        names.hold_name(actor=alice, domain=domain, local_part="boss", kind=kind)
    assert names.held_among(domain, ["boss", "free"])["boss"].kind == "never"
    with pytest.raises(Conflict, match="on the list already"):
        names.hold_name(actor=alice, domain=domain, local_part="boss")


def test_a_name_in_use_is_deleted_first(make_mailbox: Callable[..., Mailbox], alice: Actor) -> None:
    mailbox = make_mailbox()
    with pytest.raises(Invalid, match=r"ada@example\.org is in use"):
        names.hold_name(actor=alice, domain=mailbox.domain, local_part="ada")


def test_only_an_owner_lets_a_name_go(held: HeldName, bob: Actor) -> None:
    with pytest.raises(Forbidden):
        names.release_name(actor=bob, held=held)


@pytest.mark.parametrize(
    ("field", "values"),
    [("local_part", {"local_part": "A b"}), ("kind", {"kind": "x"}), ("reason", {"reason": "x" * 201})],
)
def test_what_cannot_be_held(alice: Actor, domain: Domain, field: str, values: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        names.hold_name(actor=alice, domain=domain, **{"local_part": "x", **values})
    assert [each.field for each in refused.value.problems] == [field]
