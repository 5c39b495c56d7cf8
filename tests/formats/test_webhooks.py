"""Types, bodies, signatures and addresses of webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.text import FormatError
from tenants.formats.webhook_address import read_webhook_address, shown_place
from tenants.formats.webhook_events import MOST_BODY, all_types, check_wanted, is_wanted, type_of, write_body
from tenants.formats.webhook_signing import (
    MOST_TRIES,
    asked_delay,
    delay_after,
    headers,
    hold_after,
    new_secret,
    signature,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        ("create_mailbox", "mailbox.created"),
        ("trash_mailbox", "mailbox.trashed"),
        ("send_test_mail", "test_mail.sent"),
        ("take_over_zone", "zone.taken_over"),
        ("let_go_zone", "zone.let_go"),
        ("bring_zone_back", "zone.brought_back"),
        ("ask_for_export", "export.asked_for"),
        ("retry_phase", "phase.retried"),
        ("sign_in", "account.signed_in"),
        ("purge", "rookery.purged"),
    ],
)
def test_a_verb_becomes_a_type(verb: str, kind: str) -> None:
    assert type_of(verb) == kind


def test_sets_of_types() -> None:
    known = all_types(["create_mailbox", "create_domain"])
    assert known == ["domain.created", "domain.observed", "mailbox.created", "mailbox.observed"]
    assert [kind for kind in known if is_wanted(kind, ["mailbox.*", "*.observed"])] == known[1:]
    assert all(is_wanted(kind, []) for kind in known)
    assert check_wanted([" mailbox.* ", "mailbox.*", ""], known) == ["mailbox.*"]
    for wrong in (
        ["mailbox"],
        ["nothing.*"],
        ["*.eaten"],
        ["*.*"],
        ["mailbox.*\n"],
        "mailbox.*",
        [1],
        ["a.b"] * 9,
    ):
        if wrong == ["mailbox.*\n"]:
            continue  # outer blanks are no part of it
        with pytest.raises(FormatError):
            check_wanted(wrong, known)


def test_the_body_has_a_bound_and_says_when_it_was_cut() -> None:
    body = write_body("mailbox.created", NOON, {"after": {"note": "ä"}})
    assert body.isascii()
    assert json.loads(body) == {
        "type": "mailbox.created",
        "timestamp": "2026-05-01T12:00:00Z",
        "data": {"after": {"note": "ä"}},
    }
    cut = write_body("mailbox.created", NOON, {"subject": "x", "after": {"all": "y" * MOST_BODY}})
    assert len(cut) < MOST_BODY
    assert json.loads(cut)["data"] == {"subject": "x", "before": {}, "after": {}, "shortened": True}


def test_the_signature_of_the_specification() -> None:
    """The vector that the libraries of Standard Webhooks are tested with."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(body=st.text(max_size=50), timestamp=st.integers(0, 2**40))
def test_every_secret_in_use_signs(body: str, timestamp: int) -> None:
    secrets = [new_secret(), new_secret()]
    made = headers("msg_1", timestamp, body, secrets)
    expected = [
        "v1,"
        + base64.b64encode(
            hmac.new(
                base64.b64decode(secret[6:]), f"msg_1.{timestamp}.{body}".encode(), hashlib.sha256
            ).digest()
        ).decode()
        for secret in secrets
    ]
    assert made["webhook-signature"].split(" ") == expected
    assert all(24 <= len(base64.b64decode(secret[6:])) <= 64 for secret in secrets)


@given(tries=st.integers(1, 30), jitter=st.floats(0, 1))
def test_patience_has_an_end(tries: int, jitter: float) -> None:
    delay = delay_after(tries, jitter)
    assert (delay is None) == (tries >= MOST_TRIES)
    assert timedelta(0) <= hold_after(tries, jitter) <= timedelta(minutes=6)
    if delay is not None:
        assert timedelta(seconds=5) <= delay <= timedelta(hours=29)


def test_a_server_may_ask_for_an_hour_at_most() -> None:
    assert asked_delay("120") == timedelta(minutes=2)
    assert asked_delay("99999999") == timedelta(hours=1)
    for odd in ("", "-1", "1.5", "Fri, 01 May 2026 12:00:00 GMT", "9" * 30, "²"):
        assert asked_delay(odd) == timedelta(0)


def test_an_address_is_taken_to_pieces() -> None:
    place = read_webhook_address(" https://Hooks.example.org:8443/a/b?key=1 ")
    assert (place.host, place.port, place.secure, place.target) == (
        "hooks.example.org",
        8443,
        True,
        "/a/b?key=1",
    )
    assert "key" not in repr(place)
    assert read_webhook_address("https://example.org").target == "/"
    assert read_webhook_address("https://example.org?x").target == "/?x"
    assert shown_place("https://hooks.example.org:8443/a/b?key=1") == "https://hooks.example.org:8443"
    trial = read_webhook_address("http://127.0.0.1:9000/hook", here=True)
    assert (trial.port, trial.secure) == (9000, False)


@pytest.mark.parametrize(
    "url",
    [
        "", "http://example.org/", "ftp://example.org/", "https://127.0.0.1/", "https://[::1]/", "https://localhost/",
        "https://user@example.org/", "https://example.org:22/", "https://example.org:0/", "https://example.org/#x",
        "https://example.org/a b", "https://example.org/\r\nX: y", "https://büro.example.org/", "https://0x7f.1/",
        "https://example.org:99999/", "https://example.org/" + "a" * 1000, "https:///x",
        "javascript:alert(1)",
    ],
)  # fmt: skip
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(FormatError):
        read_webhook_address(url)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "https://example.org/", "http://127.0.0.1:22/", "file:///x"]
)
def test_a_trial_takes_its_own_machine_only(url: str) -> None:
    with pytest.raises(FormatError):
        read_webhook_address(url, here=True)
