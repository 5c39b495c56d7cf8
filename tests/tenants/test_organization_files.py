"""A whole organization as one file, and what comes of such a file."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st

from tenants.actions import alias_rules, aliases, domains, holders, mailboxes, names, organizations
from tenants.actions.organization_files import export_organization, import_organization
from tenants.actions.request_rules import change_request_rules
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.formats.organization_file import OrganizationFile, read_file, written, written_sealed
from tenants.formats.text import FormatError
from tenants.formats.way_out.archive import new_key
from tenants.models import Domain, Event, Mailbox, Organization, OutgoingMail
from tenants.secrets import Opener
from tests.conftest import HASH, make_address

pytestmark = pytest.mark.django_db


@pytest.fixture
def lived_in(alice: Actor, domain: Domain) -> Domain:
    domains.change_domain(
        actor=alice, domain=domain, requests="automatic", submission_host="mail.example.org"
    )
    change_request_rules(actor=alice, domain=domain, pattern="x*", most=5, never_lapse=True)
    alias_rules.change_alias_rules(actor=alice, domain=domain, allowed=True, pattern="{own}-*", most_each=3)
    names.hold_name(actor=alice, domain=domain, local_part="founder", reason="She left")
    ada = make_address(alice, domain, "ada", "ada@home.example", note="Analyst")
    holders.add_holder(actor=alice, mailbox=ada, email="ada@home.example")
    bob = mailboxes.create_mailbox(actor=alice, domain=domain, local_part="bob", targets=["bob@home.example"])
    mailboxes.switch_mailbox(actor=alice, mailbox=bob, enabled=False)
    aliases.create_alias(
        actor=alice, domain=domain, local_part="sales", delivers_to=["ada"], targets=["o@home.example"]
    )
    return domain


@pytest.fixture
def other(alice: Actor) -> Organization:
    assert alice.account is not None
    made = organizations.create_organization(actor=Actor.rookery(), name="Elsewhere")
    organizations.add_member(
        actor=Actor.rookery(), organization=made, email=alice.account.email, role="owner"
    )
    return made


def moved(file: OrganizationFile) -> bytes:
    """The same for a domain that nobody has here."""
    return written(file).replace(b"example.org", b"moved.example")


def as_one(file: OrganizationFile) -> list[object]:
    """What an import can bring back."""
    text = written(file).decode().replace("moved.example", "example.org")
    found: list[object] = json.loads(text)["domains"]
    for address in (each for one in found for each in one["addresses"]):  # type: ignore[index]
        address.pop("holders", None)
    return found


def test_what_was_taken_along_comes_back_equal(
    alice: Actor, lived_in: Domain, organization: Organization, other: Organization
) -> None:
    file = export_organization(actor=alice, organization=organization, opener=Opener())
    assert HASH in written(file).decode()
    assert HASH not in repr(file)
    content = moved(file)
    counts = (Domain.objects.count(), Event.objects.count(), OutgoingMail.objects.count())
    shown = import_organization(actor=alice, organization=other, content=content, rehearse=True)
    assert (Domain.objects.count(), Event.objects.count(), OutgoingMail.objects.count()) == counts
    assert not shown.refused
    told = {line.thing: (line.verdict, line.why) for line in shown.lines}
    assert told["moved.example"][0] == "new"
    assert told["ada@moved.example"][0] == "new"
    assert told["holders in moved.example"][0] == "left out"
    assert told["alice@people.example"][0] == "unchanged"
    done = import_organization(actor=alice, organization=other, content=content, digest=shown.digest)
    assert done.digest == shown.digest
    again = export_organization(actor=alice, organization=other, opener=Opener())
    assert as_one(again) == as_one(file)
    with pytest.raises(Conflict, match="Something changed"):
        import_organization(actor=alice, organization=other, content=content, digest=shown.digest)
    once_more = import_organization(actor=alice, organization=other, content=content, rehearse=True)
    verdicts = {line.verdict for line in once_more.lines}
    assert verdicts == {"unchanged", "changed", "left out"}
    changed = [line.thing for line in once_more.lines if line.verdict == "changed"]
    assert changed == ["ada@moved.example"], "a passphrase is set anew: what is there cannot be compared"


def test_without_the_choice_there_are_no_secrets(
    alice: Actor, lived_in: Domain, organization: Organization, other: Organization
) -> None:
    file = export_organization(actor=alice, organization=organization)
    assert HASH not in written(file).decode()
    assert any("Passphrases" in each for each in file.left_out)
    content = moved(file)
    with pytest.raises(Invalid, match="ada is an alias itself"):
        import_organization(actor=alice, organization=other, content=content)
    assert not other.domains.exists()
    done = import_organization(actor=alice, organization=other, content=content, leave_out_refused=True)
    assert [line.thing for line in done.refused] == ["sales@moved.example"]
    assert set(Mailbox.objects.filter(domain__organization=other).values_list("kind", flat=True)) == {"alias"}
    ada = Mailbox.objects.get(domain__organization=other, local_part="ada")
    mailboxes.set_passphrase(actor=alice, mailbox=ada, password_hash=HASH)
    assert not import_organization(actor=alice, organization=other, content=content).refused
    assert Mailbox.objects.filter(domain__organization=other, local_part="sales").exists()


def test_two_organizations_never_meet(
    alice: Actor,
    bob: Actor,
    charlie: Actor,
    lived_in: Domain,
    organization: Organization,
    other: Organization,
) -> None:
    content = written(export_organization(actor=alice, organization=organization))
    with pytest.raises(Invalid, match="belongs to another organization"):
        import_organization(actor=alice, organization=other, content=content)
    for stranger in (bob, charlie):
        with pytest.raises((Absent, Forbidden)):
            export_organization(actor=stranger, organization=organization)
        with pytest.raises((Absent, Forbidden)):
            import_organization(actor=stranger, organization=organization, content=content)
    narrowed = Actor(account=alice.account, token="t", domain_id=lived_in.pk)
    with pytest.raises((Absent, Forbidden)):
        export_organization(actor=narrowed, organization=organization)


def test_a_sealed_file_opens_with_its_key_alone(
    alice: Actor, domain: Domain, organization: Organization
) -> None:
    file = export_organization(actor=alice, organization=organization)
    key = new_key()
    box = written_sealed(file, key.public)
    assert read_file(box, key.private) == file
    with pytest.raises(FormatError, match="not sealed"):
        read_file(written(file), key.private)
    for wrong in ("", new_key().private):
        with pytest.raises(FormatError) as refusal:
            read_file(box, wrong)
        assert refusal.value.field == "key"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text[:50], "no export of an organization"),
        (lambda text: text.replace('"version": 2', '"version": 3'), "are read"),
        (lambda text: text.replace('"requests"', '"wishes"'), "unknown field"),
        (lambda text: text.replace('"example.org"', "7"), "Expected `str`"),
        (lambda text: "[" * 100_000, "no export of an organization"),
        (lambda text: '{"format": "\\ud800"}', "no export of an organization"),
    ],
)
def test_a_hostile_file_is_refused_as_a_whole(
    alice: Actor, domain: Domain, organization: Organization, change: Callable[[str], str], problem: str
) -> None:
    text = written(export_organization(actor=alice, organization=organization)).decode()
    with pytest.raises(Invalid, match=problem) as refusal:
        import_organization(actor=alice, organization=organization, content=change(text).encode())
    assert refusal.value.problems[0].field == "file"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_file_or_a_refusal(content: bytes) -> None:
    with pytest.raises(FormatError):
        read_file(content)


def test_an_operator_moves_it_by_command(
    alice: Actor,
    lived_in: Domain,
    organization: Organization,
    other: Organization,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, out = tmp_path / "all", io.StringIO()
    call_command("export_organization", organization.name, str(path), secrets=True, stdout=out)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert HASH.encode() not in path.read_bytes()
    key = out.getvalue().rsplit(": ", 1)[1]
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_organization", organization.name, str(path), stdout=out)
    told = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(key))
    call_command("import_organization", organization.name, str(path), stdout=told)
    assert "changed: ada@example.org" in told.getvalue()
    assert "Nothing was changed. Add --apply" in told.getvalue()
    monkeypatch.setattr("sys.stdin", io.StringIO(key))
    with pytest.raises(CommandError, match="belongs to another organization"):
        call_command("import_organization", other.name, str(path), apply=True, stdout=told)
    with pytest.raises(CommandError, match="There is no organization"):
        call_command("import_organization", "Nobody", str(path), stdout=told)
