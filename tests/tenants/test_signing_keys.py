"""DKIM keys: a seed goes in sealed, a worker computes the public key once, the checks expect it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from django.utils import timezone

from tenants.actions import signing_keys
from tenants.actions.undo import undo_event
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.expectations import expected_of
from tenants.formats.mail_checks import DkimKey
from tenants.models import Domain, Event, MailCheck, SigningKey
from tenants.models.sync import LONG_AGO
from tenants.secrets import Opener, Purpose, seal
from workers.errands import key_smith

pytestmark = pytest.mark.django_db
VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "vectors" / "keys-from-seeds.json"
KNOWN: dict[str, str] = json.loads(VECTORS.read_text(encoding="utf-8"))["keys"][0]


def make(actor: Actor, domain: Domain, selector: str = "s2026", **more: str) -> signing_keys.NewSigningKey:
    return signing_keys.make_signing_key(actor=actor, domain=domain, selector=selector, **more)


def compute(key: SigningKey) -> SigningKey:
    assert key_smith.compute(key.pk, Opener())
    key.refresh_from_db()
    return key


def test_a_key_made_here_has_a_seed_that_only_workers_read(alice: Actor, domain: Domain) -> None:
    new = make(alice, domain, " S2026 ")
    assert len(base64.b64decode(new.seed)) == 32
    assert new.row.selector == "s2026"
    assert Opener().open(Purpose.DKIM_SEED, bytes(new.row.sealed_seed)) == new.seed
    assert new.seed not in repr(new)
    event = Event.objects.get(verb="make_signing_key")
    assert new.seed not in json.dumps([event.before, event.after, event.sentence])


@pytest.mark.parametrize("selector", ["n", "S", "ds", "caa", "type1", "10m", "2026.e"])
def test_a_selector_for_which_a_primary_of_2022_drops_the_zone_is_refused(
    alice: Actor, domain: Domain, selector: str
) -> None:
    with pytest.raises(Invalid, match="would serve the zone no more") as caught:
        make(alice, domain, selector)
    assert {each.field for each in caught.value.problems} == {"selector"}
    assert not SigningKey.objects.exists()


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [("rsa-2048", "dkim_p22_p23_p24_rsa2048"), ("ed25519", "ed25519_public_of_fortuna32")],
)
def test_a_worker_computes_the_signers_key_of_a_seed_that_was_given(
    alice: Actor, domain: Domain, algorithm: str, expected: str
) -> None:
    new = make(alice, domain, algorithm=algorithm, seed=KNOWN["seed"])
    assert new.seed == ""
    key = compute(new.row)
    assert (key.public_key, key.problem) == (KNOWN[expected], "")
    assert not key_smith.compute(key.pk, Opener()), "computed once"


def test_the_checks_expect_keys_that_are_known_and_in_use(alice: Actor, domain: Domain) -> None:
    check = MailCheck.objects.create(domain=domain, looked_at=timezone.now(), next_look_at=timezone.now())
    key = make(alice, domain, algorithm="ed25519", seed=KNOWN["seed"]).row
    assert expected_of(check).dkim == ()
    compute(key)
    assert expected_of(check).dkim == (DkimKey("s2026", KNOWN["ed25519_public_of_fortuna32"]),)
    check.refresh_from_db()
    assert check.next_look_at == LONG_AGO, "looked at again with what is expected now"
    signing_keys.switch_signing_key(actor=alice, key=key, in_use=False)
    assert expected_of(check).dkim == ()


def test_a_key_is_retired_before_it_is_removed_and_can_come_back(alice: Actor, domain: Domain) -> None:
    key = make(alice, domain).row
    with pytest.raises(Conflict, match="Retire it first"):
        signing_keys.remove_signing_key(actor=alice, key=key)
    signing_keys.switch_signing_key(actor=alice, key=key, in_use=False)
    undo_event(actor=alice, event=Event.objects.get(verb="switch_signing_key"))
    key.refresh_from_db()
    assert key.retired_at is None
    signing_keys.switch_signing_key(actor=alice, key=key, in_use=False)
    signing_keys.remove_signing_key(actor=alice, key=key)
    assert not SigningKey.objects.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"selector": ""}, "selector"),
        ({"selector": "two words"}, "selector"),
        ({"selector": "x" * 64}, "selector"),
        ({"algorithm": "dsa"}, "algorithm"),
        ({"seed": "not base64!"}, "seed"),
        ({"seed": "QUJD"}, "seed"),
    ],
)
def test_what_no_signer_would_take_is_refused(
    alice: Actor, domain: Domain, given: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        make(alice, domain, **{"selector": "s2026", **given})
    assert [each.field for each in refused.value.problems] == [field]
    assert given.get("seed") is None or given["seed"] not in str(refused.value)


def test_a_selector_is_used_once_and_there_are_not_too_many(alice: Actor, domain: Domain) -> None:
    make(alice, domain, "s0")
    with pytest.raises(Invalid, match="has a key already"):
        make(alice, domain, "s0")
    for number in range(1, signing_keys.MOST):
        make(alice, domain, f"s{number}")
    with pytest.raises(Conflict, match="keys already"):
        make(alice, domain, "another")


def test_what_cannot_be_opened_is_said_and_not_tried_again(alice: Actor, domain: Domain) -> None:
    key = make(alice, domain).row
    SigningKey.objects.filter(pk=key.pk).update(sealed_seed=seal(Purpose.TSIG_KEY, "canary"))
    compute(key)
    assert "another purpose" in key.problem
    assert "canary" not in key.problem
    assert not key_smith.unknown_keys().exists()


def test_only_workers_say_what_a_key_is(alice: Actor, domain: Domain) -> None:
    with pytest.raises(Forbidden):
        signing_keys.record_public_key(actor=alice, key=make(alice, domain).row, public_key="QUJD")
