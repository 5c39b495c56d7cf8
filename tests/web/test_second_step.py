"""Whoever has a second factor is nobody until it is there, whatever way they came."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from panel import fresh
from tenants import limits
from tenants.actions import accounts, second_factors
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.formats import one_time_codes
from tenants.models import Account, Allowance, CodeApp, Domain, Event, OutgoingMail, RecoveryCode
from tenants.web_seals import CannotOpenSeed, open_seed, seal_seed
from tests.access.hostile import TEXTS, never_as_markup
from tests.web import entrances
from tests.web.people import check_page, link_in, mails_to, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_passwords")]
EMAIL = "alice@people.example"


class Phone:
    """Alice's authenticator app. Each code is of a step of its own, as if time went by between."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed

    def code(self, steps: int = 0) -> str:
        now = one_time_codes.step_at(timezone.now().timestamp())
        return one_time_codes.code_at(self.seed, now + steps)

    def wrong(self, number: int = 0) -> str:
        right = {self.code(steps) for steps in (-2, -1, 0, 1, 2)}
        return [f"{each:06}" for each in range(20) if f"{each:06}" not in right][number]


@pytest.fixture
def person(alice: Actor) -> Account:
    assert alice.account is not None
    return alice.account


@pytest.fixture
def codes(alice: Actor, person: Account) -> list[str]:
    """Alice's recovery codes; she has just set up an app."""
    seed = second_factors.begin_code_app(actor=alice)
    made = second_factors.confirm_code_app(actor=alice, code=Phone(seed).code(-1))
    OutgoingMail.objects.all().delete()
    return made


@pytest.fixture
def phone(codes: list[str], person: Account) -> Phone:
    return Phone(open_seed(person.pk, bytes(person.code_app.sealed_seed)))


def is_nobody(client: Client) -> bool:
    """No page of an account, no API, no trace of an account in the session's sign-in."""
    return (
        client.get("/account")["Location"].startswith("/sign-in?")
        and client.get("/api/v1/account/").status_code == 401
        and client.post("/account/tokens", {"name": "x", "days": "30"}).status_code == 302
        and "_auth_user_id" not in client.session
    )


def type_code(client: Client, code: str) -> Any:
    return client.post("/second-step", {"code": code})


# Every way in --------------------------------------------------------------------------------------


def test_the_register_of_ways_in_is_complete() -> None:
    assert entrances.found() == set(entrances.FIRST_STEPS) | entrances.GUARDED | entrances.INNER


@pytest.mark.parametrize("walk", entrances.WAYS, ids=lambda walk: str(walk.__name__))
def test_every_way_in_ends_at_the_second_step(
    walk: entrances.Walk, client: Client, domain: Domain, person: Account, phone: Phone
) -> None:
    answer = walk(client, person)
    assert (answer.status_code, answer["Location"]) == (302, "/second-step")
    assert is_nobody(client)
    assert not Event.objects.filter(verb="sign_in").exists()
    assert Event.objects.filter(verb="pass_first_step").get().actor == person
    before = client.session.session_key
    check_page(client.get("/second-step"))
    wrong = type_code(client, phone.wrong())
    assert wrong.status_code == 400
    check_page(wrong)
    assert is_nobody(client)
    assert type_code(client, phone.code()).status_code == 302
    assert client.get("/account").status_code == 200
    assert client.session.session_key != before
    assert fresh.is_fresh(client.session)
    assert "authenticator app" in Event.objects.get(verb="sign_in").sentence


@pytest.mark.parametrize("walk", entrances.WAYS, ids=lambda walk: str(walk.__name__))
def test_without_a_second_factor_every_way_in_is_one_step(
    walk: entrances.Walk, client: Client, domain: Domain, person: Account
) -> None:
    """The register walks ways that lead in; else the test above would show nothing."""
    assert walk(client, person)["Location"] in {"/", "/my"}
    assert client.get("/account").status_code == 200


def test_the_second_step_alone_is_nothing(client: Client, phone: Phone) -> None:
    for answer in (client.get("/second-step"), type_code(client, phone.code())):
        assert (answer.status_code, answer["Location"]) == (302, "/sign-in")
    assert is_nobody(client)


def test_where_somebody_wanted_to_go_waits_for_the_second_step(
    client: Client, person: Account, phone: Phone
) -> None:
    client.post("/sign-in", {"way": "link", "email": EMAIL, "next": "/account/tokens"})
    client.post(link_in(mails_to(EMAIL)[-1], "/sign-in/"))
    assert type_code(client, phone.code())["Location"] == "/account/tokens"


def test_the_first_step_waits_ten_minutes(client: Client, person: Account, phone: Phone) -> None:
    entrances.by_link(client, person)
    session = client.session
    session["first_step_of"] = {**session["first_step_of"], "at": timezone.now().timestamp() - 601}
    session.save()
    assert type_code(client, phone.code())["Location"] == "/sign-in"


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}])
def test_the_first_step_ends_with_what_it_proved(
    change: dict[str, Any], client: Client, person: Account, phone: Phone
) -> None:
    entrances.by_link(client, person)
    Account.objects.filter(pk=person.pk).update(**change)
    assert type_code(client, phone.code())["Location"] == "/sign-in"
    assert is_nobody(client)


def test_a_session_of_somebody_else_stays_theirs_until_the_second_step(
    bob: Actor, person: Account, phone: Phone
) -> None:
    """And nothing of it is carried over."""
    client = signed_in(bob.account)
    entrances.by_link(client, person)
    assert "bob@people.example" in text_of(client.get("/account"))
    session = client.session
    session["organization"] = 7
    session.save()
    type_code(client, phone.code())
    assert EMAIL in text_of(client.get("/account"))
    assert "organization" not in client.session


# Codes ---------------------------------------------------------------------------------------------


def test_class_reusable_code_one_code_signs_in_once(person: Account, phone: Phone) -> None:
    """PowerDNS-Admin 2026-08: whoever looked over a shoulder could type the same code again."""
    code = phone.code()
    for location in ("/", None):
        client = Client()
        entrances.by_link(client, person)
        answer = type_code(client, code)
        assert answer.get("Location") == location
    # Nor the one before it, which its drift would allow.
    client = Client()
    entrances.by_link(client, person)
    assert type_code(client, phone.code(-1)).status_code == 400
    assert type_code(client, phone.code(+1)).status_code == 302


def test_class_guessing_a_new_first_step_gives_no_new_tries(person: Account, phone: Phone) -> None:
    """Modoboa: asking for another message reset the counter, so that six digits could be tried out."""
    for number in range(limits.CODES_PER_ACCOUNT.count):
        client = Client()
        walk = entrances.by_link if number < limits.LINKS_PER_ADDRESS.count else entrances.by_password
        walk(client, person)
        assert type_code(client, phone.wrong(number)).status_code == 400
    client = Client()
    entrances.by_password(client, person)
    answer = type_code(client, phone.code())
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert is_nobody(client)
    type_code(client, phone.code())
    assert sum("many wrong codes" in body for body in mails_to(EMAIL)) == 1


def test_a_right_code_uses_no_try_up_and_forgives_none(
    person: Account, phone: Phone, codes: list[str]
) -> None:
    for number in range(limits.CODES_PER_ACCOUNT.count - 1):
        client = Client()
        entrances.by_password(client, person)
        type_code(client, phone.wrong(number))
    client = Client()
    entrances.by_password(client, person)
    assert type_code(client, codes[0]).status_code == 302
    client = Client()
    entrances.by_password(client, person)
    assert type_code(client, phone.wrong(15)).status_code == 400
    assert type_code(client, codes[1]).status_code == 429


def test_a_recovery_code_signs_in_once(person: Account, codes: list[str]) -> None:
    client = Client()
    entrances.by_password(client, person)
    assert type_code(client, codes[0].upper().replace("-", " ")).status_code == 302
    assert "9 are left" in mails_to(EMAIL)[-1]
    client = Client()
    entrances.by_password(client, person)
    assert type_code(client, codes[0]).status_code == 400
    assert type_code(client, codes[1]).status_code == 302
    assert "8 recovery codes are left" in text_of(client.get("/account"))


def test_class_compared_with_the_stored_hash(person: Account, codes: list[str]) -> None:
    """SimpleLogin 2024-06: what stands in the database opened the account."""
    client = Client()
    entrances.by_password(client, person)
    for digest in RecoveryCode.objects.values_list("digest", flat=True)[:3]:
        assert type_code(client, digest).status_code == 400


def test_codes_of_somebody_else_open_nothing(person: Account, codes: list[str], bob: Actor) -> None:
    seed = second_factors.begin_code_app(actor=bob)
    theirs = second_factors.confirm_code_app(actor=bob, code=Phone(seed).code(-1))
    client = Client()
    entrances.by_password(client, person)
    for code in (theirs[0], Phone(seed).code()):
        assert type_code(client, code).status_code == 400


# A fresh sign-in -----------------------------------------------------------------------------------


def aged(client: Client) -> Client:
    session = client.session
    session["signed_in_at"] = (timezone.now() - fresh.FRESH_FOR).timestamp()
    session.save()
    return client


def test_a_fresh_sign_in_is_by_the_second_factor(person: Account, phone: Phone) -> None:
    """The panel password or a link alone is not enough for what matters: both are first steps."""
    person.set_password(entrances.PASSWORD)
    person.save()
    client = aged(signed_in(person))
    wish = {"name": "backup", "days": "30"}
    page = client.post("/account/tokens", wish)
    assert page.status_code == 403
    check_page(page)
    assert "by your second factor" in text_of(page)
    for way in ("password", "link", "go"):
        again = {"again_way": way, "again_password": entrances.PASSWORD}
        assert client.post("/account/tokens", wish | again).status_code == 403
    wrong = client.post("/account/tokens", wish | {"again_way": "code", "again_code": phone.wrong()})
    assert wrong.status_code == 400
    check_page(wrong)
    assert not person.tokens.exists()
    # A link that is opened beside it leads to the second step first.
    assert entrances.by_link(client, person)["Location"] == "/second-step"
    assert client.post("/account/tokens", wish).status_code == 403
    before = client.session.session_key
    made = client.post("/account/tokens", wish | {"again_way": "code", "again_code": phone.code()})
    assert made.status_code == 200
    assert person.tokens.get().name == "backup"
    assert client.session.session_key != before


@pytest.mark.parametrize(
    "path", ["/account/password", "/account/second-factors/app/remove", "/account/second-factors/codes"]
)
def test_how_somebody_signs_in_is_changed_by_the_second_factor_only(
    path: str, person: Account, phone: Phone
) -> None:
    client = aged(signed_in(person))
    assert client.post(path, {"password": "another one for the panel"}).status_code == 403
    person.refresh_from_db()
    assert not person.has_usable_password()
    assert CodeApp.objects.filter(confirmed_at__isnull=False).exists()


def test_hostile_text_is_a_wrong_code(person: Account, phone: Phone, bob: Actor) -> None:
    half, old, new = Client(), aged(signed_in(person)), signed_in(bob.account)
    entrances.by_password(half, person)
    old.cookies = aged(signed_in(person)).cookies
    second_factors.begin_code_app(actor=bob)
    for text in TEXTS.values():
        Allowance.objects.all().delete()
        for answer in (
            type_code(half, text),
            old.post("/account/second-factors/codes", {"again_way": "code", "again_code": text}),
            new.post("/account/second-factors/app", {"code": text}),
        ):
            assert answer.status_code == 400
            never_as_markup(answer)


# Setting it up -------------------------------------------------------------------------------------


def test_setting_up_an_app(alice: Actor, person: Account) -> None:
    client = signed_in(person)
    check_page(client.get("/account/second-factors"))
    assert client.get("/account/second-factors/app").status_code == 302
    page = client.post("/account/second-factors/app", follow=True)
    check_page(page)
    [row] = CodeApp.objects.all()
    seed = open_seed(person.pk, bytes(row.sealed_seed))
    assert one_time_codes.spoken_seed(seed) in text_of(page)
    assert b"<svg" in page.content
    assert 'role="img" aria-label="A QR code' in page.content.decode()
    # Until the first code nothing changes.
    assert entrances.by_link(Client(), person)["Location"] == "/"
    refused = client.post("/account/second-factors/app", {"code": "000000x"})
    assert refused.status_code == 400
    check_page(refused)
    done = client.post("/account/second-factors/app", {"code": Phone(seed).code()})
    check_page(done)
    shown = text_of(done)
    codes = [word for word in shown.split() if word.count("-") == 3]
    assert len(codes) == one_time_codes.RECOVERY_CODES
    for path in ("/account", "/account/second-factors"):
        later = client.get(path).content.decode()
        assert not [code for code in codes if code in later]
        assert one_time_codes.spoken_seed(seed) not in later
    check_page(client.get("/account/second-factors"))
    # The page that shows the seed is gone.
    assert client.get("/account/second-factors/app").status_code == 302
    assert client.post("/account/second-factors/app", follow=True).redirect_chain
    row.refresh_from_db()
    assert row.confirmed_at is not None
    assert "An authenticator app was set up" in OutgoingMail.objects.latest("pk").subject


def test_an_app_that_nobody_finished_is_forgotten(alice: Actor, person: Account) -> None:
    seed = second_factors.begin_code_app(actor=alice)
    CodeApp.objects.update(begun_at=timezone.now() - timedelta(minutes=31))
    client = signed_in(person)
    assert client.post("/account/second-factors/app", {"code": Phone(seed).code()}).status_code == 302
    assert not CodeApp.objects.filter(confirmed_at__isnull=False).exists()
    # Beginning again takes another seed.
    assert second_factors.begin_code_app(actor=alice) != seed


def test_removing_it(person: Account, phone: Phone) -> None:
    client = signed_in(person)
    client.post("/account/second-factors/app/remove")
    assert not CodeApp.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert client.post("/account/second-factors/app/remove").status_code == 404
    assert client.post("/account/second-factors/codes").status_code == 409
    assert entrances.by_link(Client(), person)["Location"] == "/"


def test_new_recovery_codes_end_those_before(person: Account, codes: list[str]) -> None:
    page = signed_in(person).post("/account/second-factors/codes")
    check_page(page)
    assert not set(codes) & set(text_of(page).split())
    client = Client()
    entrances.by_password(client, person)
    assert type_code(client, codes[0]).status_code == 400


def test_a_program_has_no_say_in_it(alice: Actor, person: Account) -> None:
    program = replace(alice, token="program")
    for action in (
        second_factors.begin_code_app,
        second_factors.remove_code_app,
        second_factors.renew_recovery_codes,
    ):
        with pytest.raises(Forbidden):
            action(actor=program)
    with pytest.raises(Forbidden):
        second_factors.confirm_code_app(actor=program, code="000000")


def test_whoever_runs_rookery_lets_somebody_in_who_lost_everything(
    person: Account, codes: list[str], capsys: pytest.CaptureFixture[str], alice: Actor
) -> None:
    call_command("second_factors", EMAIL)
    assert "an authenticator app, and 10 recovery codes left" in capsys.readouterr().out
    with pytest.raises(Forbidden):
        second_factors.forget_second_factors(actor=alice, email=EMAIL)
    call_command("second_factors", EMAIL.upper(), "--remove")
    assert entrances.by_link(Client(), person)["Location"] == "/"
    assert Event.objects.filter(verb="forget_second_factors").get().via == "command"
    assert any("removed the second factors" in body for body in mails_to(EMAIL))
    for words in (("x@y.example",), ("x@y.example", "--remove")):
        with pytest.raises(CommandError):
            call_command("second_factors", *words)


# What is kept --------------------------------------------------------------------------------------


def test_neither_seed_nor_codes_are_kept_in_the_clear(
    phone: Phone, codes: list[str], person: Account
) -> None:
    row = CodeApp.objects.get()
    assert phone.seed not in bytes(row.sealed_seed)
    kept = " ".join(RecoveryCode.objects.values_list("digest", flat=True))
    told = " ".join(f"{each.sentence} {each.before} {each.after}" for each in Event.objects.all())
    for code in codes:
        assert code not in kept + told
        assert code.replace("-", "") not in kept + told
    assert one_time_codes.spoken_seed(phone.seed) not in told


def test_a_seed_opens_for_its_account_and_secret_only(settings: Any) -> None:
    sealed = seal_seed(1, b"x" * 20)
    assert open_seed(1, sealed) == b"x" * 20
    assert sealed != seal_seed(1, b"x" * 20)
    for other, value in ((2, sealed), (1, sealed[:-1] + bytes([sealed[-1] ^ 1])), (1, b"")):
        with pytest.raises(CannotOpenSeed):
            open_seed(other, value)
    settings.SECRET_KEY = "another"
    with pytest.raises(CannotOpenSeed):
        open_seed(1, sealed)


def test_after_the_secret_was_changed_recovery_codes_still_work(
    person: Account, codes: list[str], phone: Phone, settings: Any
) -> None:
    settings.SECRET_KEY = "another secret of this installation"
    client = Client()
    entrances.by_password(client, person)
    answer = type_code(client, phone.code())
    assert answer.status_code == 409
    assert "Type a recovery code" in text_of(answer)
    assert type_code(client, codes[0]).status_code == 302


def test_links_of_mails_lead_nowhere_else(person: Account, phone: Phone) -> None:
    """The link is used up by the first step: going back in the browser does not give another."""
    client = Client()
    accounts.ask_for_sign_in_link(actor=Actor(), email=EMAIL)
    link = link_in(mails_to(EMAIL)[-1], "/sign-in/")
    assert client.post(link)["Location"] == "/second-step"
    assert Client().post(link).status_code == 404
