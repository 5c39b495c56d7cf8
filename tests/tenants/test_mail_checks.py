"""What is kept of the checks of a domain, who is told, and what people may do about lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions import mail_checks
from tenants.actions.mail_checks import EVERY, SOON, checks_of
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid, TooMany
from tenants.expectations import expected_of
from tenants.formats.mail_checks import Expected, Finding, Level
from tenants.formats.mail_checks.reading import Question, Said, Status
from tenants.models import (
    Domain,
    Event,
    Host,
    HostAddress,
    MailCheck,
    Organization,
    OutgoingMail,
    RecordSet,
    Zone,
)
from tenants.models.sync import LONG_AGO
from tests.hosting import build_rock
from tests.tenants.zoning import MAIL, begin, put
from workers.errands.checker import Checker, begin_checks, due_checks
from workers.mail_checks import Observer

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
GOOD = Finding("mx", Level.OK, "Mail goes where it should.")
BAD = Finding("mx", Level.FAIL, "Mail goes astray.", fix="Correct it.")
OTHER = Finding("spf", Level.WARN, "SPF is odd.")


class Looks:
    """Looks that find what a test says, one after the other."""

    def __init__(self, domain: Domain) -> None:
        self.domain, self.at = domain, AT

    def find(self, *findings: Finding, only: tuple[str, ...] = ()) -> MailCheck:
        row = checks_of(self.domain)
        MailCheck.objects.filter(pk=row.pk).update(next_look_at=self.at + timedelta(minutes=2))
        self.at += timedelta(minutes=20)
        mail_checks.record_findings(
            actor=Actor.rookery(), check=row, findings=findings, only=only, at=self.at
        )
        return MailCheck.objects.get(pk=row.pk)


@pytest.fixture
def looks(domain: Domain) -> Looks:
    return Looks(domain)


def told() -> list[str]:
    return list(OutgoingMail.objects.order_by("pk").values_list("subject", flat=True))


def levels(row: MailCheck) -> dict[str, str]:
    return dict(row.lines.values_list("line", "level"))


def test_a_first_look_is_kept_and_tells_nobody(looks: Looks) -> None:
    row = looks.find(BAD, OTHER)
    assert levels(row) == {"mx": "fail", "spf": "warn"}
    assert (row.changes.count(), told()) == (0, [])
    assert row.looked_at == looks.at
    assert row.next_look_at >= looks.at + EVERY


def test_what_changes_is_told_once_two_looks_agree(looks: Looks) -> None:
    looks.find(GOOD)
    row = looks.find(BAD)
    assert told() == []
    assert row.next_look_at == looks.at + SOON
    looks.find(BAD)
    assert told() == ["example.org: Mail goes astray."]
    looks.find(BAD)
    assert len(told()) == 1
    looks.find(GOOD)
    looks.find(GOOD)
    assert told()[1:] == ["example.org: well again"]
    changes = [(each.before, each.after) for each in looks.find(GOOD).changes.order_by("pk")]
    assert changes == [("ok", "fail"), ("fail", "ok")]


def test_a_hiccup_tells_nobody(looks: Looks) -> None:
    for finding in (GOOD, BAD, GOOD, replace(GOOD, level=Level.UNKNOWN), GOOD, BAD, GOOD):
        looks.find(finding)
    assert told() == []


def test_from_bad_to_not_known_is_no_good_news(looks: Looks) -> None:
    looks.find(BAD)
    for _ in range(3):
        looks.find(replace(BAD, level=Level.UNKNOWN))
    assert told() == []


def test_a_line_that_comes_later_and_is_bad_is_told(looks: Looks) -> None:
    looks.find(GOOD)
    looks.find(GOOD, OTHER)
    looks.find(GOOD, OTHER)
    assert told() == ["example.org: SPF is odd."]


def test_one_check_leaves_the_lines_of_others(looks: Looks) -> None:
    looks.find(GOOD, OTHER, replace(OTHER, subject="end"))
    row = looks.find(replace(OTHER, level=Level.OK), only=("spf",))
    assert levels(row) == {"mx": "ok", "spf": "ok"}
    assert levels(looks.find(GOOD)) == {"mx": "ok"}


def test_what_is_on_its_way_is_looked_at_again_then(looks: Looks) -> None:
    until = AT + timedelta(hours=5)
    row = looks.find(replace(GOOD, level=Level.WAITING, until=until))
    assert row.next_look_at == until + timedelta(minutes=1)


def test_a_muted_line_is_kept_and_told_to_nobody_until_the_mute_ends(looks: Looks, alice: Actor) -> None:
    looks.find(GOOD, OTHER)
    until = timezone.now() + timedelta(days=3)
    mail_checks.mute_check(actor=alice, domain=looks.domain, line="mx", reason=" being moved ", until=until)
    looks.at = timezone.now()
    looks.find(BAD)
    row = looks.find(BAD)
    assert (levels(row)["mx"], told(), row.mutes.get().reason) == ("fail", [], "being moved")
    looks.at = until
    assert looks.find(BAD).mutes.count() == 0
    assert Event.objects.filter(verb="mute_check", domain=looks.domain).count() == 1


@pytest.mark.parametrize(
    ("line", "reason", "days", "field"),
    [("mx", "", 1, "reason"), ("mx", "x", 0, "until"), ("mx", "x", 400, "until"), ("no", "x", 1, "line")],
)
def test_a_mute_needs_line_reason_and_end(
    looks: Looks, alice: Actor, line: str, reason: str, days: int, field: str
) -> None:
    looks.find(GOOD)
    until = timezone.now() + timedelta(days=days)
    with pytest.raises(Invalid) as refused:
        mail_checks.mute_check(actor=alice, domain=looks.domain, line=line, reason=reason, until=until)
    assert [each.field for each in refused.value.problems] == [field]


def test_unmuting(looks: Looks, alice: Actor) -> None:
    looks.find(GOOD)
    until = timezone.now() + timedelta(days=1)
    mail_checks.mute_check(actor=alice, domain=looks.domain, line="mx", reason="x", until=until)
    mail_checks.unmute_check(actor=alice, domain=looks.domain, line="mx")
    with pytest.raises(Conflict):
        mail_checks.unmute_check(actor=alice, domain=looks.domain, line="mx")
    for line in ("none", "mx\0"):
        with pytest.raises(Invalid, match="no such line"):
            mail_checks.unmute_check(actor=alice, domain=looks.domain, line=line)


def test_only_workers_record(alice: Actor, domain: Domain) -> None:
    with pytest.raises(Forbidden):
        mail_checks.record_findings(actor=alice, check=checks_of(domain), findings=[BAD], only=(), at=AT)


def test_who_may_what(looks: Looks, alice: Actor, bob: Actor, charlie: Actor) -> None:
    looks.find(GOOD)
    for viewer, refusal in ((bob, Forbidden), (charlie, Absent)):
        acts: list[Callable[[Any], object]] = [
            lambda actor: mail_checks.recheck(actor=actor, domain=looks.domain),
            lambda actor: mail_checks.mute_check(
                actor=actor, domain=looks.domain, line="mx", reason="x", until=timezone.now()
            ),
            lambda actor: mail_checks.unmute_check(actor=actor, domain=looks.domain, line="mx"),
            lambda actor: mail_checks.keep_dns_elsewhere(actor=actor, domain=looks.domain, elsewhere=True),
        ]
        for act in acts:
            with pytest.raises(refusal):
                act(viewer)


# Looking again --------------------------------------------------------------------------------------------


def checker(during: Callable[[], object] = lambda: None) -> Checker:
    """Sees a world without anything; `during` happens while it looks."""

    def ask(question: Question) -> Said:
        del question
        return Said(Status.NO_DATA)

    class Watched(Observer):
        def look(self, expected: Expected, at: datetime, only: Any = ()) -> tuple[Finding, ...]:
            during()
            return super().look(expected, at, only)

    return Checker(lambda ports: Watched(ask))


def test_a_domain_is_checked_when_it_is_due(domain: Domain) -> None:
    assert begin_checks() == 1
    assert begin_checks() == 0
    assert not due_checks().exists(), "a new domain is set up first"
    MailCheck.objects.update(next_look_at=LONG_AGO)
    row = due_checks().get()
    assert checker().look(row.pk)
    assert not checker().look(row.pk)
    assert not due_checks().exists()
    assert row.lines.filter(level="fail").exists()
    assert not checker().look(row.pk + 1)


def test_one_line_is_checked_again(domain: Domain, alice: Actor) -> None:
    row = checks_of(domain)
    checker().look(row.pk)
    row.lines.update(looked_at=AT)
    looked_at = MailCheck.objects.get(pk=row.pk).looked_at
    assert mail_checks.recheck(actor=alice, domain=domain, checks=["dmarc"]).wanted == ["dmarc"]
    assert mail_checks.recheck(actor=alice, domain=domain, checks=["spf"]).wanted == ["dmarc", "spf"]
    assert checker().look(row.pk)
    fresh = set(row.lines.exclude(looked_at=AT).values_list("line", flat=True))
    assert {each.partition(":")[0] for each in fresh} == {"dmarc", "spf"}
    row.refresh_from_db()
    assert (row.wanted, row.looked_at) == ([], looked_at)
    assert mail_checks.recheck(actor=alice, domain=domain).wanted == []


def test_what_is_wanted_while_a_look_is_under_way_is_done_after_it(domain: Domain, alice: Actor) -> None:
    row = checks_of(domain)
    checker().look(row.pk)
    mail_checks.recheck(actor=alice, domain=domain, checks=["spf"])

    def meanwhile() -> None:
        mail_checks.recheck(actor=alice, domain=domain, checks=["spf"])
        assert not checker().look(row.pk)

    assert checker(meanwhile).look(row.pk)
    row.refresh_from_db()
    assert (row.wanted, row.next_look_at) == (["spf"], LONG_AGO)
    assert checker().look(row.pk)


def test_all_that_was_wanted_is_not_made_less(domain: Domain, alice: Actor) -> None:
    mail_checks.recheck(actor=alice, domain=domain)
    assert mail_checks.recheck(actor=alice, domain=domain, checks=["spf"]).wanted == []


def test_checking_again_has_a_limit_and_known_names(domain: Domain, alice: Actor) -> None:
    with pytest.raises(Invalid, match="no check “spff”"):
        mail_checks.recheck(actor=alice, domain=domain, checks=["spff"])
    for _ in range(60):
        mail_checks.recheck(actor=alice, domain=domain, checks=["spf"])
    with pytest.raises(TooMany):
        mail_checks.recheck(actor=alice, domain=domain, checks=["spf"])


# What is expected -----------------------------------------------------------------------------------------


def published(zone: Zone) -> None:
    for row in RecordSet.objects.filter(zone=zone):
        RecordSet.objects.filter(pk=row.pk).update(proved=row.digest)


def test_a_zone_says_what_is_expected(domain: Domain, alice: Actor) -> None:
    zone = begin(alice, domain)
    put(alice, zone, *MAIL)
    expected = expected_of(checks_of(domain))
    assert expected.records == {}
    published(zone)
    expected = expected_of(checks_of(domain))
    assert expected.servers == {"ns1.example.org": ("192.0.2.1",)}
    assert expected.primaries == ("127.0.0.53",)
    assert expected.records == {("example.org", "MX"): frozenset({"10 mail.example.org"})}
    assert expected.receivers == expected.senders == frozenset({"192.0.2.25"})
    assert expected.changed_at is not None


def test_only_where_workers_were_is_known_as_ours(domain: Domain, alice: Actor, charlie: Actor) -> None:
    """Whoever writes a stranger's address into their zone makes nobody knock there."""
    zone = begin(alice, domain)
    put(alice, zone, *MAIL)
    published(zone)
    assert expected_of(checks_of(domain)).ours == frozenset()

    def add(organization: Organization, host: str, number: int) -> Host:
        return Host.objects.create(
            organization=organization,
            name=f"host {number}",
            transport="ssh",
            host=host,
            sealed_key=b"x",
            seen_at=timezone.now(),
        )

    theirs = Organization.objects.exclude(pk=domain.organization_id).get()
    add(theirs, "198.51.100.66", 1)
    add(domain.organization, "rock.example.org", 2)
    ours = add(domain.organization, "198.51.100.9", 3)
    assert expected_of(checks_of(domain)).ours == frozenset({"198.51.100.9"})
    Host.objects.filter(pk=ours.pk).update(seen_at=None)
    rock = build_rock(domain.organization, "")
    given = set(HostAddress.objects.values_list("address", flat=True))
    assert given
    assert expected_of(checks_of(domain)).ours == frozenset()
    Host.objects.filter(pk=rock.host.pk).update(seen_at=timezone.now())
    assert expected_of(checks_of(domain)).ours == given


def test_dns_elsewhere_expects_nothing_of_it(domain: Domain, alice: Actor) -> None:
    published(begin(alice, domain))
    mail_checks.keep_dns_elsewhere(actor=alice, domain=domain, elsewhere=True)
    assert expected_of(checks_of(domain)) == Expected("example.org")
    mail_checks.keep_dns_elsewhere(actor=alice, domain=domain, elsewhere=False)
    assert expected_of(checks_of(domain)).servers


def test_without_a_zone_only_what_is_seen_counts(domain: Domain) -> None:
    assert expected_of(checks_of(domain)) == Expected("example.org")
