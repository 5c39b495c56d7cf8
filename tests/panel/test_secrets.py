"""A canary in every place where a secret goes in, and a look at every place where it could come out."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.db.models import BinaryField
from django.test import Client
from django.urls import reverse
from django.views.debug import ExceptionReporter

from tenants.actions import accounts
from tenants.actions.requests import submit_request
from tenants.actor import Actor
from tenants.models import Account, Domain, Event, Mailbox
from tenants.secrets import Purpose, seal
from tenants.tokens import new_token
from tests.conftest import HASH
from tests.web.people import signed_in
from workers import tasks

PASSWORD = "swordfish-in-the-panel"
PUBLIC = {"public_key", "credential", "credential_id"}  # a passkey's secret half stays with its owner


def test_a_sealed_field_is_in_no_repr() -> None:
    sealed = {
        (model, field.name)
        for model in apps.get_app_config("tenants").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, BinaryField) and field.name not in PUBLIC
    }
    assert {name for _, name in sealed} == {
        "sealed_hash",
        "sealed_key",
        "sealed_body",
        "sealed_value",
        "sealed_secret",
        "sealed_former_secret",
        "sealed_seed",
        # What was taken along, and what is brought: sealed where it has secrets.
        "archive",
        "content",
    }
    value = seal(Purpose.SSH_KEY, "canary")
    for model, name in sealed:
        row = model(pk=1, **{name: value})
        for text in (_safely(repr, row), _safely(str, row)):
            assert repr(value)[2:20] not in text
            assert "canary" not in text


def _safely(show: Any, row: Any) -> str:
    try:
        return str(show(row))
    except Exception as error:  # a row without its relations cannot say its name
        return repr(error)


def test_there_is_no_admin() -> None:
    assert not [app for app in project.INSTALLED_APPS if "admin" in app]
    assert Client().get("/admin/").status_code in {302, 404}
    assert get_user_model()._meta.get_field("password").max_length == 128


def test_tasks_take_ids_and_give_nothing() -> None:
    found = {
        name.removeprefix("workers.tasks."): task
        for name, task in tasks.reconcile.app.tasks.items()
        if name.startswith("workers.")
    }
    assert set(found) == {
        "reconcile",
        "check_account",
        "sweep",
        "deliver_mail",
        "make_backup",
        "look_up",
        "prove_ownership",
        "serve_git_host",
        "serve_preparation",
        "check_mail",
        "send_canary",
        "follow_letter",
        "ask_servers",
        "look_at_certificates",
        "compute_signing_key",
        "make_export",
        "fetch_image",
        "look_at_feed",
        "send_webhooks",
        "review",
        "compare_passphrases",
    }
    for task in found.values():
        signature = inspect.signature(task.run)
        assert {each.annotation for each in signature.parameters.values()} <= {"int"}
        assert signature.return_annotation == "None"


def test_a_report_of_an_error_holds_no_value(rf: Any, settings: Any) -> None:
    """Also the page of DEBUG: lines of our source, and no variable, form, header or cookie."""
    settings.DEBUG = True
    link, key, cookie = new_token(), new_token("rk_"), new_token()
    headers = {"authorization": f"Bearer {key}", "cookie": f"rookery_session={cookie}"}
    request = rf.post(f"/confirm/{link}", {"password": PASSWORD}, headers=headers)
    try:
        _break(request, request.POST["password"])
    except RuntimeError as error:
        reporter = ExceptionReporter(request, type(error), error, error.__traceback__)
    for report in (reporter.get_traceback_html(), reporter.get_traceback_text()):
        assert "it broke" in report
        assert "password" in report
        for secret in (PASSWORD, key, cookie, settings.SECRET_KEY, settings.WORKERS_KEY):
            assert secret not in report


def _break(request: Any, password: str) -> None:
    raise RuntimeError("it broke")


@pytest.mark.django_db
def test_the_page_for_our_own_mistakes_tells_a_number_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**given: Any) -> None:
        raise RuntimeError(f"canary {given}")

    monkeypatch.setattr(accounts, "redeem_sign_in_link", fail)
    client = Client(raise_request_exception=False)
    answer = client.post(reverse("sign-in-link", kwargs={"token": "x" * 43}))
    assert answer.status_code == 500
    body = answer.content.decode()
    assert answer["X-Request-Id"] in body
    for word in ("canary", "Traceback", "RuntimeError", "xxxx"):
        assert word not in body


@pytest.mark.django_db
def test_a_form_from_elsewhere_gets_our_own_page(alice: Actor) -> None:
    client = signed_in(alice.account)
    client.handler.enforce_csrf_checks = True
    answer = client.post("/account/password", {"password": PASSWORD})
    assert answer.status_code == 403
    assert "· Rookery</title>" in answer.content.decode()


@pytest.mark.django_db
def test_no_event_holds_a_secret(
    quick_passwords: None, alice: Actor, domain: Domain, make_mailbox: Any
) -> None:
    """After all that people do with secrets, the audit log knows none of them."""
    from tenants.actions import domains, mailboxes, repositories

    mailbox: Mailbox = make_mailbox()
    mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=HASH)
    accounts.set_panel_password(actor=alice, password=PASSWORD)
    _, key = accounts.create_token(actor=alice, name="backup")
    domains.change_domain(actor=alice, domain=domain, requests="moderated")
    submitted = submit_request(
        actor=Actor(), domain=domain, local_part="grace", target="g@home.example", password_hash=HASH
    )
    repositories.connect_repository(actor=alice, domain=domain, host="git.example.org", path="relay.git")
    told = json.dumps(list(Event.objects.values()), default=str)
    assert Event.objects.filter(verb="set_passphrase").exists()
    password = Account.objects.get(pk=alice.account.pk).password  # type: ignore[union-attr]
    for secret in (HASH, PASSWORD, password, key, submitted.page_token, "PRIVATE KEY"):
        assert secret not in told


@pytest.fixture
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
