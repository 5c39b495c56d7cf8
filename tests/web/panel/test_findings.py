"""The page of findings: what each is, and one button for what can be done about it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import Event, Finding, SyncTarget
from tests.web.people import text_of

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/settings/repository/findings"


@pytest.fixture
def found(target: SyncTarget) -> SyncTarget:
    rows = [
        ("grace", "foreign", "ptt uses it.", "{}", None, True),
        ("README", "skipped", "ptt skips it: it is no JSON.", None, None, False),
        ("ada", "drift", "ada was changed outside.", "<b>theirs</b>", "ours", True),
        ("bea", "conflict", "bea was removed outside, and Rookery has something else.", None, "ours", True),
    ]
    Finding.objects.bulk_create(
        Finding(
            target=target,
            unit=unit,
            kind=kind,
            sentence=sentence,
            outside=outside,
            ours=ours,
            outside_id="1" * 40,
            takeable=takeable,
            since=timezone.now(),
        )
        for unit, kind, sentence, outside, ours, takeable in rows
    )
    return target


def test_each_is_explained(as_alice: Client, found: SyncTarget) -> None:
    page = as_alice.get(PAGE)
    text = text_of(page)
    assert "2 addresses were changed outside." in text
    for row in found.findings.all():
        assert row.sentence in text
    assert "Take over the one that can be" in text
    assert "Put it into the trash here too" in text
    assert "<b>theirs" not in page.content.decode()
    narrowed = text_of(as_alice.get(f"{PAGE}?only=others"))
    assert "README" in narrowed
    assert "grace" not in narrowed


def test_deciding_about_one_and_about_all(as_alice: Client, found: SyncTarget) -> None:
    sent = {"unit": "ada", "decision": "repair", "only": "changed"}
    answer = as_alice.post(f"{PAGE}/decide", sent, follow=True)
    assert answer.redirect_chain == [(f"{PAGE}?only=changed", 302)]
    assert "A worker does that for 1 entry now" in text_of(answer)
    assert "Decided, a worker does it" in text_of(answer)
    as_alice.post(f"{PAGE}/decide", {"all": "1", "decision": "adopt"})
    decided = dict(found.findings.values_list("unit", "decision"))
    assert decided == {"ada": "adopt", "bea": "adopt", "grace": "adopt", "README": ""}
    assert Event.objects.filter(verb="decide_findings").count() == 2


@pytest.mark.parametrize(
    "sent",
    [
        {"unit": "README", "decision": "adopt"},
        {"unit": "grace", "decision": "repair"},
        {"unit": "nobody", "decision": "adopt"},
        {"unit": "ada", "decision": "burn"},
        {"decision": "adopt"},
        {},
    ],
)
def test_what_cannot_be_decided_is_refused_in_words(
    as_alice: Client, found: SyncTarget, sent: dict[str, str]
) -> None:
    answer = as_alice.post(f"{PAGE}/decide", sent, follow=True)
    assert answer.status_code == 200
    assert "A worker does that" not in text_of(answer)
    assert not found.findings.exclude(decision="").exists()


def test_only_deciders_are_offered_it(as_bob: Client, as_charlie: Client, found: SyncTarget) -> None:
    assert "Take over" not in text_of(as_bob.get(PAGE))
    assert as_bob.post(f"{PAGE}/decide", {"unit": "ada", "decision": "repair"}).status_code == 403
    assert as_charlie.get(PAGE).status_code == 404
    assert as_charlie.post(f"{PAGE}/decide", {"unit": "ada", "decision": "repair"}).status_code == 404
