"""The page that says whether a domain's mail works, and having one line checked again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from panel.web.standing import with_counts
from tenants.actions import mail_checks
from tenants.actor import Actor
from tenants.formats.mail_checks import Finding, Level, Who
from tenants.models import Domain, MailCheck
from tests.web.people import check_page, nothing_written, text_of

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/checks"
BAD = Finding(
    "mx", Level.FAIL, "Mail goes <astray>.", "", ("5 old",), ("10 new",), Who.REGISTRAR, "Correct it."
)


def found(domain: Domain, *findings: Finding) -> MailCheck:
    row = mail_checks.checks_of(domain)
    mail_checks.record_findings(
        actor=Actor.rookery(), check=row, findings=findings, only=(), at=timezone.now()
    )
    return row


def test_before_the_first_look_the_page_says_what_comes(as_alice: Client, domain: Domain) -> None:
    with nothing_written():
        page = as_alice.get(PAGE)
    check_page(page)
    assert "was not looked at yet." in text_of(page)


def test_every_line_says_what_is_what_should_be_who_and_how(as_alice: Client, domain: Domain) -> None:
    until = timezone.now() + timedelta(hours=1)
    found(domain, BAD)
    found(domain, BAD, Finding("spf", Level.WAITING, "SPF is on its way.", until=until))
    page = as_alice.get(PAGE)
    check_page(page)
    text = text_of(page)
    for words in ("Mail goes <astray>.", "5 old", "10 new", "Correct it.", "you, at the domain's registrar"):
        assert words in text
    assert "1 thing to mend" in text
    assert "on its way" in text
    assert "1 thing to look at in example.org" in text


def test_a_right_line_is_its_sentence_which_leads_to_its_page(as_alice: Client, domain: Domain) -> None:
    found(domain, Finding("spf", Level.OK, "SPF is right."), BAD)
    page = as_alice.get(PAGE).content.decode()
    assert f'<a class="calm" href="{PAGE}/line?line=spf"><bdi>SPF is right.</bdi></a>' in page
    assert page.count(">Check again<") == page.count(">History and muting<") == 1


def test_a_check_with_several_lines_is_offered_again_once(as_alice: Client, domain: Domain) -> None:
    spoilt = [Finding("glue", Level.FAIL, "It is elsewhere.", f"ns{number}.example.org") for number in (1, 2)]
    found(domain, *spoilt, BAD)
    page = as_alice.get(PAGE).content.decode()
    assert page.count(">History and muting<") == 3
    assert page.count(">Check again<") == page.count('name="check" value="glue"') + 1 == 2


def test_a_muted_line_counts_no_more(as_alice: Client, alice: Actor, domain: Domain) -> None:
    found(domain, BAD, Finding("dmarc", Level.WARN, "No policy."))
    mend = with_counts(Domain.objects.filter(pk=domain.pk))
    assert mend.get().wrong_count == 1, "what could be better is not wrong"  # type: ignore[attr-defined]
    until = timezone.now() + timedelta(days=3)
    mail_checks.mute_check(actor=alice, domain=domain, line="mx", reason="it moves", until=until)
    assert mend.get().wrong_count == 0  # type: ignore[attr-defined]
    text = text_of(as_alice.get(PAGE))
    assert "1 thing to mend before all mail" in text
    assert "it moves" in text


def test_one_line_is_checked_again(as_alice: Client, domain: Domain) -> None:
    row = found(domain, BAD)
    MailCheck.objects.update(next_look_at=timezone.now() + timedelta(days=1))
    page = as_alice.post(f"{PAGE}/again", {"check": "mx"}, follow=True)
    assert "A worker checks it now." in text_of(page)
    row.refresh_from_db()
    assert row.wanted == ["mx"]
    page = as_alice.post(f"{PAGE}/again", {"check": "nonsense"}, follow=True)
    assert "There is no check" in text_of(page)
    as_alice.post(f"{PAGE}/again")
    row.refresh_from_db()
    assert row.wanted == []


def test_a_viewer_reads_and_has_no_button(as_bob: Client, domain: Domain) -> None:
    found(domain, BAD)
    page = as_bob.get(PAGE)
    assert "Mail goes <astray>." in text_of(page)
    assert "Check all again" not in text_of(page)
    assert as_bob.post(f"{PAGE}/again").status_code == 403


def test_a_line_has_a_page_where_it_is_muted_and_counts_again(as_alice: Client, domain: Domain) -> None:
    found(domain, Finding("mx", Level.OK, "Mail goes where it should."))
    row = found(domain, BAD)
    line = f"{PAGE}/line?line=mx"
    page = as_alice.get(line)
    check_page(page)
    assert "before: right" in text_of(page)
    refused = as_alice.post(line, {"reason": "", "days": "30"})
    assert (refused.status_code, "A mute needs a reason." in text_of(refused)) == (400, True)
    page = as_alice.post(line, {"reason": "We move.", "days": "7"}, follow=True)
    assert "We move." in text_of(page)
    assert row.mutes.get().until > timezone.now() + timedelta(days=6)
    page = as_alice.post(f"{PAGE}/unmute", {"line": "mx"}, follow=True)
    assert "The line counts again." in text_of(page)
    assert not row.mutes.exists()
    assert as_alice.get(f"{PAGE}/line?line=none").status_code == 404


def test_a_page_follows_a_look_for_a_while(as_alice: Client, domain: Domain) -> None:
    found(domain, BAD)
    MailCheck.objects.update(next_look_at=timezone.now() + timedelta(days=1))
    assert b"?look=" not in as_alice.get(PAGE).content
    page = as_alice.post(f"{PAGE}/elsewhere", {"on": "1"}, follow=True)
    assert "You said that the DNS of example.org is not what Rookery keeps" in text_of(page)
    assert "Being looked at now." in text_of(page)
    assert f'hx-get="{PAGE}?look=1"'.encode() in page.content
    assert b"hx-select" not in as_alice.get(f"{PAGE}?look=40").content
