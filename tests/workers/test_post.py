"""Mails that the panel owes, sent by real SMTP: into the sandbox's mailroom, and to servers that refuse."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions.mail import owe_mail
from tenants.models import OutgoingMail
from tenants.models.sync import LONG_AGO
from tenants.secrets import CannotOpen, Opener, Purpose
from tests.smtp_server import SmtpServer
from workers.errands import post
from workers.outcome import Backoff
from workers.sandbox.control import Addresses, Sandbox

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "Qm9va3MtYXJlLWtlcHQtb24tYS1zaGVsZi1oZXJlIQ"
BODY = f"Sign in here:\n\nhttp://127.0.0.1:8080/sign-in/{TOKEN}\n"


@pytest.fixture
def server(settings: Any) -> Iterator[SmtpServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with SmtpServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def mail() -> OutgoingMail:
    return owe_mail(recipient="grace@harbour.example", subject="Your link – once", body=BODY)


def fresh(mail: OutgoingMail) -> OutgoingMail:
    mail.refresh_from_db()
    return mail


def again(mail: OutgoingMail) -> bool:
    """As when the time of the next try has come."""
    OutgoingMail.objects.filter(pk=mail.pk).update(next_try_at=LONG_AGO, claimed_until=LONG_AGO)
    return post.deliver(mail.pk)


def test_it_arrives_in_the_mailroom_and_its_body_is_dropped(
    mail: OutgoingMail, tmp_path: Path, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert TOKEN.encode() not in bytes(mail.sealed_body or b"")
    with Sandbox(tmp_path, addresses=Addresses(free_ports=True)) as sandbox:
        room = sandbox.status()["mailroom"]
        settings.EMAIL_HOST, settings.EMAIL_PORT = room["host"], room["port"]
        assert post.deliver(mail.pk)
        assert not post.deliver(mail.pk)
    [letter] = (tmp_path / "mail" / "grace@harbour.example" / "new").iterdir()
    got = email.message_from_bytes(letter.read_bytes(), policy=email.policy.default)
    assert got["Subject"] == "Your link – once"
    assert got["To"] == "grace@harbour.example"
    assert got["Auto-Submitted"] == "auto-generated"
    assert f"/sign-in/{TOKEN}" in got.get_content()
    assert (fresh(mail).sealed_body, mail.problem, mail.failures) == (None, "", 0)
    assert mail.sent_at is not None


def test_only_workers_can_open_a_body(mail: OutgoingMail, settings: Any) -> None:
    settings.WORKERS_KEY = ""
    with pytest.raises(CannotOpen):
        Opener().open(Purpose.MAIL_BODY, bytes(mail.sealed_body or b""))


@pytest.mark.parametrize(
    "answers",
    [
        {"RCPT": "450 4.2.0 greylisted, come back"},
        {"end": "451 4.3.0 disk is full"},
        {"greeting": "554 5.3.2 not today"},
        {"MAIL": "550 5.7.1 you are not who you say"},
        {"RCPT": "421 4.3.2 going down"},
        {"EHLO": "502 what", "HELO": "502 what"},
    ],
    ids=str,
)
def test_what_may_pass_is_tried_again_with_the_same_id(
    server: SmtpServer, mail: OutgoingMail, answers: dict[str, str]
) -> None:
    server.answers = answers
    before = timezone.now()
    assert not post.deliver(mail.pk)
    assert (fresh(mail).failures, mail.given_up_at, mail.sent_at) == (1, None, None)
    assert mail.next_try_at > before
    assert mail.sealed_body is not None
    assert next(iter(answers.values()))[:3] in mail.problem
    server.answers = {}
    assert again(mail)
    ids = [line for text in server.heard for line in text.splitlines() if line.startswith("Message-ID:")]
    assert len(set(ids)) == 1
    assert (fresh(mail).sealed_body, mail.problem) == (None, "")


@pytest.mark.parametrize("answers", [{"RCPT": "550 5.1.1 no such user"}, {"end": "554 5.6.0 no"}], ids=str)
def test_a_refusal_for_good_is_final_and_drops_the_body(
    server: SmtpServer, mail: OutgoingMail, answers: dict[str, str]
) -> None:
    server.answers = answers
    assert not post.deliver(mail.pk)
    assert fresh(mail).given_up_at is not None
    assert mail.sealed_body is None
    server.heard.clear()
    assert not again(mail)
    assert server.heard == []


def test_the_servers_words_never_bring_the_link_back(
    server: SmtpServer, mail: OutgoingMail, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server.answers = {"end": f"554 we dislike http://127.0.0.1:8080/sign-in/{TOKEN} in\x1b[31m mails"}
    assert not post.deliver(mail.pk)
    assert "554 we dislike" in fresh(mail).problem
    assert TOKEN not in mail.problem + caplog.text
    assert "\x1b" not in mail.problem


def test_a_server_that_is_away_is_tried_for_two_days_and_no_longer(mail: OutgoingMail, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with socket.create_server(("127.0.0.1", 0)) as gone:
        settings.EMAIL_HOST, settings.EMAIL_PORT = gone.getsockname()[:2]
    for number in range(1, 30):
        assert not again(mail)
        assert fresh(mail).failures == number
        assert mail.given_up_at is None
    assert mail.next_try_at <= timezone.now() + timedelta(minutes=31)
    OutgoingMail.objects.update(created_at=timezone.now() - post.GIVE_UP_AFTER - timedelta(minutes=1))
    assert not again(mail)
    assert fresh(mail).given_up_at is not None
    assert "cannot be reached" in mail.problem


def test_a_body_that_cannot_be_opened_is_no_endless_loop(
    mail: OutgoingMail, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    OutgoingMail.objects.update(sealed_body=b"nothing that was sealed")
    assert not post.deliver(mail.pk)
    assert fresh(mail).failures == 1
    assert mail.next_try_at > timezone.now()
    assert "another key" in mail.problem
    assert "CannotOpen" in caplog.text


def test_a_worker_that_died_while_sending_costs_a_second_copy_and_not_the_mail(
    server: SmtpServer, mail: OutgoingMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing after this line runs."""

    def send_and_die(message: Any) -> None:
        send(message)
        raise Killed

    send = post.EmailMessage.send
    with monkeypatch.context() as patched:
        patched.setattr(post.EmailMessage, "send", send_and_die)
        with pytest.raises(Killed):
            post.deliver(mail.pk)
    assert not post.deliver(mail.pk), "somebody has it"
    assert fresh(mail).claimed_until > timezone.now() + timedelta(seconds=85)
    assert again(mail)
    assert sum(line.upper() == "DATA" for line in server.heard) == 2
    assert fresh(mail).sent_at is not None


def test_delays_grow_to_half_an_hour() -> None:
    widest = Backoff(post.BACKOFF.first, post.BACKOFF.longest, jitter=lambda low, high: high)
    delays = [widest.delay(failures) for failures in range(1, 20)]
    assert delays[0] == timedelta(seconds=10)
    assert delays == sorted(delays)
    assert delays[-1] == timedelta(minutes=30)
