"""What an organization's file tells of places, machines and people, and what an import makes of that."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions import (
    domain_roles,
    expiry,
    organizations,
    repositories,
    signing_keys,
    tsig_keys,
    webhooks,
)
from tenants.actions.organization_files import export_organization, import_organization
from tenants.actions.organization_imports import (
    apply_organization_import,
    discard_organization_import,
    find_organization_import,
    forget_organization_imports,
    preview_organization_import,
)
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.formats.organization_file import (
    OrganizationFile,
    has_secrets,
    read_file,
    written,
    written_sealed,
)
from tenants.formats.way_out.archive import new_key
from tenants.models import (
    Domain,
    Event,
    Host,
    Image,
    Mailbox,
    Organization,
    OrganizationImport,
    OutgoingMail,
    Repository,
    SyncTarget,
    Webhook,
)
from tenants.models.sync import LONG_AGO
from tenants.secrets import Opener
from tests.as_if import file_of
from tests.conftest import HASH, make_address
from tests.hosting import build_rock
from tests.stacking import build_stack
from tests.tenants.zoning import begin, connect
from tests.world import HOST_KEY
from workers.errands import key_smith

pytestmark = pytest.mark.django_db
SEED = "QUJD" * 8
HOOK_KEY = "T0K3N-in-the-path"


@pytest.fixture
def other(alice: Actor) -> Organization:
    assert alice.account is not None
    made = organizations.create_organization(actor=Actor.rookery(), name="Elsewhere")
    organizations.add_member(
        actor=Actor.rookery(), organization=made, email=alice.account.email, role="owner"
    )
    return made


@pytest.fixture
def lived_in(alice: Actor, domain: Domain) -> Domain:
    """Something of each kind that the file knows."""
    zones = connect(alice, domain)
    zone = begin(alice, domain, zones)
    tsig_keys.create_key(actor=alice, repository=zones, zone=zone, used_by="signer", right="update")
    made = signing_keys.make_signing_key(
        actor=alice, domain=domain, selector="s1", algorithm="ed25519", seed=SEED
    )
    key_smith.compute(made.row.pk, Opener())
    repositories.connect_repository(actor=alice, domain=domain, host="git.example", path="relay.git")
    ada = make_address(alice, domain, "ada")
    expiry.change_expiry(actor=alice, mailbox=ada, expires_at=timezone.now() + timedelta(days=30))
    rock = build_rock(domain.organization, HOST_KEY)
    build_stack(domain, rock.share, rock.network, "192.0.2.91", "running")
    webhooks.add_webhook(
        actor=alice,
        organization=domain.organization,
        name="chat",
        url=f"https://hooks.example/{HOOK_KEY}",
        types=["mailbox.*"],
    )
    organizations.add_member(
        actor=alice, organization=domain.organization, email="vera@people.example", role="viewer"
    )
    domain_roles.give_domain_role(actor=alice, domain=domain, email="ruth@people.example", role="postmaster")
    return domain


def taken(alice: Actor, domain: Domain, *, secrets: bool) -> OrganizationFile:
    opener = Opener() if secrets else None
    return export_organization(actor=alice, organization=domain.organization, opener=opener)


def moved(file: OrganizationFile) -> bytes:
    """The same for a domain that nobody has here, without what depends on a zone's name."""
    return written(file).replace(b"example.org", b"moved.example")


def told(done: Any) -> dict[str, tuple[str, str]]:
    return {line.thing: (line.verdict, line.why) for line in done.lines}


def test_an_unsealed_file_describes_everything_and_tells_no_secret(alice: Actor, lived_in: Domain) -> None:
    open_file, full = taken(alice, lived_in, secrets=False), taken(alice, lived_in, secrets=True)
    text, sealed = written(open_file).decode(), written(full).decode()
    machine = next(each for host in full.hosts for each in host.unikernels if each.name == "relay")
    zone_key = next(
        key for each in full.zone_repositories for key in each.keys if not key.name.startswith("r")
    )
    assert machine.secrets == {"seed": "hunter2"}
    assert zone_key.secret is not None
    assert not has_secrets(open_file)
    for secret in (HASH, SEED, "hunter2", HOOK_KEY, zone_key.secret):
        assert secret in sealed
        assert secret not in text
        assert secret not in repr(full)
    found = json.loads(text)
    assert found["version"] == 2
    [only] = [each for each in found["domains"] if each["name"] == "example.org"]
    assert only["repository"]["path"] == "relay.git"
    assert only["signing_keys"][0]["selector"] == "s1"
    assert only["stack"]["public_address"] == "192.0.2.91"
    assert only["addresses"][0]["expires_at"]
    hosts = {each["name"]: each for each in found["hosts"]}
    rock = hosts["rock"]
    assert (rock["username"], rock["host"]) == ("rookery", f"rock{lived_in.organization_id}.example")
    assert {each["name"] for each in rock["unikernels"]} >= {"relay", "old"}
    assert rock["unikernels"][0]["secret_names"] == ["seed"]
    assert rock["networks"][0]["subnet"] == "10.0.0.0/24"
    assert rock["public_addresses"]
    assert rock["volumes"][0]["label"] == "mail"
    assert rock["rules"]
    assert {each["sha256"] for each in found["images"]} == set(
        Image.objects.filter(organization=lived_in.organization).values_list("sha256", flat=True)
    )
    assert {each["place"] for each in found["webhooks"]} >= {"https://hooks.example"}
    assert read_file(written(full)) == full
    assert read_file(written(open_file)) == open_file


def test_an_import_connects_nothing_and_says_what_to_do(
    alice: Actor, lived_in: Domain, other: Organization
) -> None:
    file = taken(alice, lived_in, secrets=True)
    key = new_key()
    content = written_sealed(read_file(moved(file)), key.public)
    kinds = (SyncTarget, Host, Repository, Webhook, Image)
    before = [kind._default_manager.count() for kind in kinds]
    done = import_organization(actor=alice, organization=other, content=content, key=key.private)
    assert [kind._default_manager.count() for kind in kinds] == before, "nothing outside is touched by it"
    lines = told(done)
    assert lines["the signing key s1 of moved.example"] == ("new", "")
    assert lines["the end of ada@moved.example"] == ("changed", "")
    for thing, words in {
        "the repository of moved.example": "git@git.example:relay.git. Connect it again",
        "the mail stack of moved.example": "take over what runs there",
        "the zones in git@git.moved.example:zone.git": "keys come with it",
        "the webhook chat": "Add it again; it gets a new secret",
        "the host rock": "Connect it again at rookery@",
        "the firewall of rock": "rules by hand again",
        "ruth@people.example as postmaster in moved.example": "Give the part of postmaster",
        "vera@people.example": "Add them as viewer; they get a mail then.",
    }.items():
        assert lines[thing][0] == "left out"
        assert words in lines[thing][1], thing
    here = Domain.objects.get(name="moved.example")
    made = here.signing_keys.get()
    key_smith.compute(made.pk, Opener())
    assert Mailbox.objects.get(domain=here, local_part="ada").expires_at is not None
    again = export_organization(actor=alice, organization=other, opener=Opener())
    then = read_file(moved(file)).domains[0]
    assert (again.domains[0].signing_keys, again.domains[0].addresses) == (then.signing_keys, then.addresses)
    once_more = import_organization(
        actor=alice, organization=other, content=content, key=key.private, rehearse=True
    )
    assert told(once_more)["the signing key s1 of moved.example"][0] == "unchanged"
    assert told(once_more)["the end of ada@moved.example"][0] == "unchanged"


def test_people_are_let_in_if_that_is_wanted_and_nobody_s_role_changes(
    alice: Actor, lived_in: Domain, other: Organization
) -> None:
    content = moved(taken(alice, lived_in, secrets=False))
    organizations.add_member(actor=alice, organization=other, email="vera@people.example", role="manager")
    mails = OutgoingMail.objects.count()
    looked = import_organization(actor=alice, organization=other, content=content, people=True, rehearse=True)
    assert OutgoingMail.objects.count() == mails
    done = import_organization(
        actor=alice, organization=other, content=content, people=True, digest=looked.digest
    )
    lines = told(done)
    assert lines["vera@people.example"] == (
        "left out",
        "They are manager here already; they were viewer there.",
    )
    assert lines["ruth@people.example as postmaster in moved.example"] == ("new", "")
    assert other.memberships.get(account__email="vera@people.example").role == "manager"
    assert Domain.objects.get(name="moved.example").roles.get().account.email == "ruth@people.example"
    assert told(import_organization(actor=alice, organization=other, content=content, people=True))[
        "ruth@people.example as postmaster in moved.example"
    ] == ("unchanged", "")


def test_a_file_of_the_version_before_is_read(alice: Actor, organization: Organization) -> None:
    """As that version wrote it."""
    content = b"""{"format": "rookery-organization", "version": 1, "made_at": "2026-11-20T09:00:00+00:00",
     "name": "Analytical Society", "people": [{"email": "vera@people.example", "role": "viewer"}],
     "domains": [{"name": "former.example", "requests": "moderated", "held_names": [
     {"local_part": "founder", "kind": "reserved"}], "addresses": [{"local_part": "ada",
     "targets": ["ada@home.example"], "has_passphrase": true}]}], "left_out": ["Requests."]}"""
    done = import_organization(actor=alice, organization=organization, content=content)
    assert not done.refused
    assert Mailbox.objects.get(domain__name="former.example").local_part == "ada"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"hosts": [{"name": "h"}]}, "missing required field"),
        ({"images": [{"sha256": 7}]}, "Expected `str`"),
        ({"webhooks": [{"name": "w", "place": "x", "secret": "y"}]}, "unknown field"),
        ({"hosts": {}}, "Expected `array`"),
        ({"people": [{"email": "a@b.example", "role": "viewer"}] * 20_001}, "are the most"),
        ({"left_out": ["x" * (10 << 20)]}, "bytes; at most"),
    ],
)
def test_hostile_machines_are_refused_as_a_whole(
    alice: Actor, organization: Organization, change: dict[str, Any], problem: str
) -> None:
    text = json.dumps({**json.loads(file_of("new.example")), **change})
    with pytest.raises(Invalid, match=problem):
        import_organization(actor=alice, organization=organization, content=text.encode())
    assert not Domain.objects.exists()


def test_a_key_that_is_no_seed_and_a_role_that_is_none_stop_all_of_it(
    alice: Actor, organization: Organization
) -> None:
    given = json.loads(file_of("new.example"))
    given["people"] = [{"email": "eve@people.example", "role": "emperor"}]
    given["domains"][0]["signing_keys"] = [{"selector": "s1", "algorithm": "rot13", "seed": "x"}]
    given["domains"][0]["addresses"] = [
        {"local_part": "ada", "targets": ["a@b.example"], "expires_at": "soon"}
    ]
    content = json.dumps(given).encode()
    with pytest.raises(Invalid) as refusal:
        import_organization(actor=alice, organization=organization, content=content, people=True)
    said = " ".join(str(each) for each in refusal.value.problems)
    assert all(word in said for word in ("emperor", "rot13", "This is no time"))
    assert not Domain.objects.exists()


# In two steps


def test_a_sealed_file_is_kept_sealed_and_its_key_nowhere(alice: Actor, lived_in: Domain) -> None:
    organization, key = lived_in.organization, new_key()
    content = written_sealed(taken(alice, lived_in, secrets=True), key.public)
    with pytest.raises(Invalid) as refusal:
        preview_organization_import(actor=alice, organization=organization, content=content, key="x" * 43)
    assert refusal.value.problems[0].field == "key"
    row = preview_organization_import(
        actor=alice, organization=organization, content=content, key=key.private, name="all.sealed"
    )
    row.refresh_from_db()
    assert (row.closed, bytes(row.content or b"")) == (True, content)
    kept = json.dumps([row.lines, row.counts, row.name, row.digest])
    assert not any(secret in kept for secret in (key.private, HASH, SEED, "hunter2"))
    with pytest.raises(Invalid):
        apply_organization_import(actor=alice, preview=row, digest=row.digest, key="")
    apply_organization_import(actor=alice, preview=row, digest=row.digest, key=key.private)
    row.refresh_from_db()
    assert row.applied_at is not None
    assert row.content is None
    with pytest.raises(Conflict, match="done already"):
        apply_organization_import(actor=alice, preview=row, digest=row.digest, key=key.private)
    events = Event.objects.filter(verb="import_organization")
    assert not any(key.private in json.dumps([each.sentence, each.after]) for each in events)


def test_secrets_in_the_clear_are_not_kept(alice: Actor, lived_in: Domain) -> None:
    content = written(taken(alice, lived_in, secrets=True))
    with pytest.raises(Invalid, match="not sealed"):
        preview_organization_import(actor=alice, organization=lived_in.organization, content=content)
    assert not OrganizationImport.objects.exists()


def test_a_preview_is_done_as_it_was_read_or_made_again(
    alice: Actor, bob: Actor, olga: Actor, organization: Organization, domain: Domain
) -> None:
    row = preview_organization_import(actor=alice, organization=organization, content=file_of("new.example"))
    assert row.counts == {"new": 1, "unchanged": 1}
    assert not Domain.objects.filter(name="new.example").exists()
    for person in (bob, olga):
        with pytest.raises((Absent, Forbidden)):
            find_organization_import(person, organization, row.pk)
        with pytest.raises((Absent, Forbidden)):
            apply_organization_import(actor=person, preview=row, digest=row.digest)
        with pytest.raises((Absent, Forbidden)):
            discard_organization_import(actor=person, preview=row)
    with pytest.raises(Conflict, match="Read it again"):
        apply_organization_import(actor=alice, preview=row, digest="0" * 64)
    import_organization(actor=alice, organization=organization, content=file_of("new.example"))
    with pytest.raises(Conflict, match="made again"):
        apply_organization_import(actor=alice, preview=row, digest=row.digest)
    row = find_organization_import(alice, organization, row.pk)
    assert row.counts == {"unchanged": 2}
    with pytest.raises(Conflict, match="nothing to do"):
        apply_organization_import(actor=alice, preview=row, digest=row.digest)
    for _ in range(3):
        preview_organization_import(actor=alice, organization=organization, content=file_of("new.example"))
    assert OrganizationImport.objects.count() == 2
    OrganizationImport.objects.update(expires_at=LONG_AGO)
    with pytest.raises(Forbidden):
        forget_organization_imports(actor=alice)
    assert forget_organization_imports(actor=Actor.rookery()) == 2
