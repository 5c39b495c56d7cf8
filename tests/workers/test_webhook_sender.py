"""Webhooks against a real TLS receiver: signed, tried again, replayed; and against those that mean ill."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions import webhook_deliveries as deliveries
from tenants.actions import webhooks
from tenants.actor import Actor
from tenants.formats.webhook_signing import MOST_TRIES, RETRY_AFTER
from tenants.models import Domain, Organization, OutgoingMail, Webhook, WebhookDelivery
from tenants.secrets import Opener
from tests.conftest import HASH, make_address
from tests.outward.servers import HOST, Server, ok
from workers.errands import webhook_sender
from workers.errands.webhook_sender import WebhookSender, due_webhooks
from workers.outward import Poster, poster_here

pytestmark = pytest.mark.django_db
State = WebhookDelivery.State
NO = b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops"


def verified(secret: str, request: bytes) -> dict[str, Any]:
    """What a receiver reads, when the signature is right: written anew from the specification."""
    head, _, body = request.partition(b"\r\n\r\n")
    given = dict(re.findall(r"(?m)^(webhook-[a-z]+): (.*?)\r?$", head.decode()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{given['webhook-id']}.{given['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert f"v1,{expected}" in given["webhook-signature"].split(" ")
    return {**given, "body": json.loads(body)}


@dataclass
class Receiver:
    """A receiver, its webhook, and a worker whose clock a test turns."""

    server: Server
    webhook: Webhook
    secret: str
    owner: Actor
    now: datetime = field(default_factory=timezone.now)

    def sender(self, poster: Poster | None = None) -> WebhookSender:
        return WebhookSender(
            poster or self.server.poster(), Opener(), now=lambda: self.now, jitter=lambda: 0.0
        )

    def serve(self, poster: Poster | None = None) -> int:
        return self.sender(poster).serve(self.webhook.pk)

    def only(self) -> WebhookDelivery:
        return WebhookDelivery.objects.get()

    def refused(self) -> str:
        """The problem of the one try."""
        return WebhookDelivery.objects.get().attempts.get().problem


@pytest.fixture
def receiver(tmp_path: Path, alice: Actor, organization: Organization) -> Iterator[Receiver]:
    server = Server(tmp_path)
    url = f"https://{HOST}:{server.port}/hook?key=path-canary"
    row, secret = webhooks.add_webhook(actor=alice, organization=organization, url=url, name="Chat")
    WebhookDelivery.objects.all().delete()  # that it was added
    yield Receiver(server, row, secret, alice, timezone.now())
    server.listener.close()


@pytest.fixture
def told(receiver: Receiver) -> Receiver:
    """One delivery is due."""
    deliveries.send_webhook_test(actor=receiver.owner, webhook=receiver.webhook)
    WebhookDelivery.objects.exclude(type="webhook.test").delete()
    WebhookDelivery.objects.update(type="mailbox.created", next_try_at=receiver.now)
    return receiver


def test_a_change_arrives_signed(receiver: Receiver, domain: Domain) -> None:
    make_address(receiver.owner, Domain.objects.get(pk=domain.pk))
    receiver.now = timezone.now()
    assert receiver.serve() == WebhookDelivery.objects.count() > 0
    read = [verified(receiver.secret, request) for request in receiver.server.requests]
    made = next(each for each in read if each["body"]["type"] == "mailbox.created")
    assert made["body"]["data"]["subject"] == "ada@example.org"
    assert made["body"]["data"]["after"]["targets"] == ["ada@home.example"]
    assert receiver.server.requests[0].startswith(b"POST /hook?key=path-canary HTTP/1.1\r\n")
    row = WebhookDelivery.objects.get(message_id=made["webhook-id"])
    attempt = row.attempts.get()
    assert (row.state, attempt.status, attempt.answer) == (State.DELIVERED, 200, "hello")
    everything = b"".join(receiver.server.requests).decode() + json.dumps(attempt.headers)
    assert HASH not in everything
    assert receiver.secret not in everything
    assert receiver.serve() == 0


def test_the_documented_check_takes_real_deliveries_only(told: Receiver) -> None:
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], names)  # noqa: S102 - our own page
    told.serve()
    head, _, body = told.server.requests[0].partition(b"\r\n\r\n")
    given = dict(re.findall(r"(?m)^(webhook-[a-z]+): (.*?)\r?$", head.decode()))
    check = names["is_from_rookery"]
    assert check(told.secret, given, body)
    assert not check(told.secret, given, body + b" ")
    assert not check("whsec_" + base64.b64encode(b"x" * 32).decode(), given, body)
    old = {**given, "webhook-timestamp": str(int(given["webhook-timestamp"]) - 301)}
    assert not check(told.secret, old, body)


def test_what_failed_is_tried_again_for_three_days(told: Receiver) -> None:
    told.server.answer = lambda request, to: to.sendall(NO)
    began, waits = told.now, []
    for _ in range(MOST_TRIES):
        assert told.serve() == 1
        row = told.only()
        waits.append(row.next_try_at - told.now)
        assert told.serve() == 0  # not before its time
        told.now = max(row.next_try_at, Webhook.objects.get().next_try_at)
    assert waits[: len(RETRY_AFTER)] == list(RETRY_AFTER)
    assert timedelta(days=3) < told.now - began < timedelta(days=4)
    assert (row.state, row.problem) == (State.FAILED, "Its server answered 500.")
    sent = [verified(told.secret, request) for request in told.server.requests]
    assert len({each["webhook-id"] for each in sent}) == 1
    assert len({each["webhook-timestamp"] for each in sent}) == MOST_TRIES
    assert [each.answer for each in row.attempts.all()] == ["oops"] * MOST_TRIES
    told.server.answer = lambda request, to: to.sendall(ok(b"hello"))
    deliveries.replay_deliveries(actor=told.owner, webhook=told.webhook)
    told.now += timedelta(days=1)
    told.serve()
    assert WebhookDelivery.objects.get(pk=row.pk).state == State.DELIVERED
    again = [verified(told.secret, request)["webhook-id"] for request in told.server.requests[MOST_TRIES:]]
    assert row.message_id in again


def test_a_worker_that_ends_before_it_notes_sends_again_under_the_same_id(
    told: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As sudden as a signal."""

    def die(**_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(webhook_sender, "end_attempt", die)
        with pytest.raises(Killed):
            told.serve()
    assert told.only().state == State.WAITING
    told.now += timedelta(minutes=2)
    assert told.serve() == 1
    first, second = (verified(told.secret, request) for request in told.server.requests)
    assert first["webhook-id"] == second["webhook-id"]
    assert told.only().state == State.DELIVERED


def test_after_a_new_secret_both_sign_for_a_day(told: Receiver) -> None:
    fresh = webhooks.rotate_webhook_secret(actor=told.owner, webhook=told.webhook)
    told.serve()
    for secret in (told.secret, fresh):
        assert verified(secret, told.server.requests[0])
    deliveries.replay_delivery(actor=told.owner, delivery=WebhookDelivery.objects.order_by("pk")[0])
    told.now = timezone.now() + timedelta(hours=25)
    told.serve()
    assert verified(fresh, told.server.requests[-1])
    with pytest.raises(AssertionError):
        verified(told.secret, told.server.requests[-1])
    deliveries.forget_deliveries(actor=Actor.rookery())
    assert Webhook.objects.get().sealed_former_secret is not None  # its day is not over by the real clock


def test_who_says_gone_is_told_nothing_more(told: Receiver) -> None:
    told.server.answer = lambda request, to: to.sendall(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
    told.serve()
    row = Webhook.objects.get()
    assert (row.enabled, row.stopped) == (False, "gone")
    assert Organization.objects.get(pk=row.organization_id).webhook_count == 0
    mail = OutgoingMail.objects.get(recipient="alice@people.example")
    assert mail.subject == "The webhook Chat was switched off"
    assert not WebhookDelivery.objects.filter(state=State.WAITING).exists()
    assert not due_webhooks(told.now + timedelta(days=9)).exists()


def test_who_fails_for_days_is_switched_off(told: Receiver) -> None:
    told.server.answer = lambda request, to: to.sendall(NO)
    told.serve()
    Webhook.objects.update(failing_since=told.now - timedelta(days=5))
    told.now += timedelta(minutes=5)
    told.serve()
    assert Webhook.objects.get().stopped == "failing"


def test_who_is_down_is_asked_once_in_a_while_and_not_for_each_delivery(receiver: Receiver) -> None:
    for _ in range(5):
        deliveries.send_webhook_test(actor=receiver.owner, webhook=receiver.webhook)
    WebhookDelivery.objects.exclude(type="webhook.test").delete()
    WebhookDelivery.objects.update(type="mailbox.created")
    receiver.server.answer = lambda request, to: to.sendall(
        b"HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"
    )
    assert receiver.serve() == 1
    assert Webhook.objects.get().next_try_at == receiver.now + timedelta(seconds=120)
    Webhook.objects.update(failures=9)
    receiver.now += timedelta(minutes=3)
    assert receiver.serve() == 1
    assert receiver.serve() == 0  # four are due
    assert Webhook.objects.get().next_try_at == receiver.now + timedelta(minutes=5)
    receiver.server.answer = lambda request, to: to.sendall(ok(b""))
    receiver.now += timedelta(hours=3)
    assert receiver.serve() == 5


def refuse_dial(address: str, port: int, timeout: float) -> socket.socket:
    raise AssertionError(f"{address} was dialled")


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["fe80::1"]],
)
def test_nothing_inside_is_reached(told: Receiver, addresses: list[str]) -> None:
    told.serve(Poster(resolve=lambda host, timeout: addresses, dial=refuse_dial))
    assert "private network" in told.refused()
    assert told.only().state == State.WAITING


def test_a_name_that_changes_between_look_and_dial_gains_nothing(told: Receiver) -> None:
    answers: Iterator[list[str]] = iter([["8.8.8.8"], ["127.0.0.1"]])
    dialled: list[str] = []

    def dial(address: str, port: int, timeout: float) -> socket.socket:
        dialled.append(address)
        raise OSError("no route")

    told.serve(Poster(resolve=lambda host, timeout: next(answers), dial=dial))
    assert dialled == ["8.8.8.8"]


def test_a_redirect_is_a_failure(told: Receiver) -> None:
    told.server.answer = lambda request, to: to.sendall(
        b"HTTP/1.1 307 There\r\nLocation: https://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n"
    )
    told.serve()
    assert len(told.server.requests) == 1
    assert told.only().attempts.get().status == 307
    assert told.only().state == State.WAITING


def test_rows_are_not_believed_either(told: Receiver) -> None:
    for url in (
        "http://127.0.0.1/",
        f"https://user:password@{HOST}/",
        "https://localhost/",
        f"https://{HOST}:22/",
    ):
        Webhook.objects.update(url=url, next_try_at=told.now)
        WebhookDelivery.objects.update(next_try_at=told.now)
        told.serve(Poster(resolve=lambda host, timeout: ["8.8.8.8"], dial=refuse_dial))
        assert not told.server.requests
        told.now += timedelta(hours=1)


def _endless(request: bytes, to: socket.socket) -> None:
    to.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        to.sendall(b"x" * 65_536)


def _drip(request: bytes, to: socket.socket) -> None:
    to.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100):
        to.sendall(b"x")
        time.sleep(0.05)


def _drip_headers(request: bytes, to: socket.socket) -> None:
    to.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(100):
        to.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "state"),
    [(_endless, State.DELIVERED), (_drip, State.DELIVERED), (_drip_headers, State.WAITING)],
)
def test_an_answer_costs_no_more_than_its_bound(
    told: Receiver,
    answer: Callable[[bytes, socket.socket], None],
    state: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook_sender, "REQUEST_SECONDS", 0.4)
    told.server.answer = answer
    began = time.monotonic()
    told.serve()
    assert time.monotonic() - began < 3
    assert told.only().state == state
    assert len(told.only().attempts.get().answer) <= webhook_sender.MOST_ANSWER


def test_what_is_answered_is_kept_as_harmless_text(told: Receiver) -> None:
    told.server.answer = lambda request, to: to.sendall(
        ok("a\x1b[31mred\0\u202eback\nsecond line\xff".encode() + b"\xfe", "X-Odd: \x1b[2J")
    )
    told.serve()
    attempt = told.only().attempts.get()
    assert attempt.answer == "a\\x1b[31mred\\0\\u202eback\nsecond lineÿ\\xfe"
    assert "X-Odd: \\x1b[2J" in attempt.answer_headers


def test_one_organization_takes_two_turns_at_once_and_nobody_is_served_twice(
    receiver: Receiver, organization: Organization
) -> None:
    others = [
        webhooks.add_webhook(
            actor=receiver.owner, organization=organization, url=receiver.webhook.url, name=name
        )[0]
        for name in ("Second", "Third")
    ]
    Webhook.objects.update(next_try_at=datetime(2000, 1, 1, tzinfo=UTC))
    for row in (receiver.webhook, *others):
        deliveries.send_webhook_test(actor=receiver.owner, webhook=row)
    receiver.now = timezone.now()
    sender = receiver.sender()
    assert sender._claim(receiver.webhook.pk)
    assert sender._claim(receiver.webhook.pk) is None
    assert sender._claim(others[0].pk)
    assert sender._claim(others[1].pk) is None
    receiver.now += webhook_sender.CLAIM
    assert sender._claim(others[1].pk)


def test_a_trial_reaches_its_own_machine_only(told: Receiver) -> None:
    for url, said in (
        (told.webhook.url, "own machine only"),
        (f"http://127.0.0.1:{told.server.port}/", "broke off"),  # it speaks TLS
    ):
        Webhook.objects.update(url=url, next_try_at=told.now)
        told.serve(poster_here())
        assert said in told.only().attempts.latest("pk").problem
        told.now += timedelta(hours=1)


def test_old_deliveries_are_forgotten(told: Receiver) -> None:
    told.serve()
    WebhookDelivery.objects.update(created_at=timezone.now() - deliveries.KEPT - timedelta(hours=1))
    assert deliveries.forget_deliveries(actor=Actor.rookery()) == 1
    assert not WebhookDelivery.objects.exists()
