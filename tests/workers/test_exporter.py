"""Exports of domains: what is in them, who opens them, and that nothing secret lies around."""

from __future__ import annotations

import io
import json
import tarfile
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tenants.actions import exports, mailboxes, record_sets, repositories, signing_keys, tsig_keys
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.formats.relay_entry import RelayEntry, emit
from tenants.keys import WorkersKeys
from tenants.models import Domain, Event, Export, OutgoingMail, RepositoryReader
from tenants.secrets import Opener, Purpose
from tests.conftest import HASH, make_address
from tests.hosting import build_rock, waiting_reader
from tests.tenants.zoning import begin, connect
from tests.world import HOST_KEY
from workers.errands import exporter

pytestmark = pytest.mark.django_db
SEED = "QUJD" * 8


def lived_in(alice: Actor, domain: Domain) -> str:
    """Addresses, a zone with a key, a DKIM key and a machine; returns the TSIG secret."""
    repository = connect(alice, domain)
    zone = begin(alice, domain, repository)
    record_sets.set_record_set(actor=alice, zone=zone, owner="www", record_type="A", data=["192.0.2.9"])
    made = tsig_keys.create_key(
        actor=alice, repository=repository, zone=zone, used_by="signer", right="update"
    )
    signing_keys.make_signing_key(actor=alice, domain=domain, selector="s1", algorithm="ed25519", seed=SEED)
    make_address(alice, domain, "ada")
    off = make_address(alice, domain, "babbage")
    mailboxes.switch_mailbox(actor=alice, mailbox=off, enabled=False)
    return made.row.name


def fetched(alice: Actor, asked: exports.AskedExport) -> dict[str, bytes]:
    archive = exports.fetch_export(actor=alice, export=asked.row, key=asked.key)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {
            each.name.partition("/")[2]: file.read()
            for each in tar
            if (file := tar.extractfile(each)) is not None
        }


def test_everything_is_in_it_and_it_is_fetched_once(alice: Actor, domain: Domain) -> None:
    key_name = lived_in(alice, domain)
    asked = exports.ask_for_export(actor=alice, domain=domain)
    with pytest.raises(Conflict, match="still puts it together"):
        exports.fetch_export(actor=alice, export=asked.row, key=asked.key)
    assert exporter.make(asked.row.pk, Opener())
    assert not exporter.make(asked.row.pk, Opener())
    with pytest.raises(Invalid, match="does not open"):
        exports.fetch_export(actor=alice, export=asked.row, key="x" * 43)
    files = fetched(alice, asked)
    assert files["relay.git/ada"] == emit(RelayEntry(("ada@home.example",), HASH))
    assert "relay.git/babbage" not in files
    states = {row["address"]: row["state"] for row in json.loads(files["users.json"])}
    assert states == {f"ada@{domain}": "in use", f"babbage@{domain}": "switched off"}
    assert b"192.0.2.9" in files[f"dns/{domain}.zone"]
    assert key_name in files["dns/named.conf"].decode()
    assert files["dkim/s1.seed"].decode().strip() == SEED
    assert files["dkim/s1.pem"].startswith(b"-----BEGIN PRIVATE KEY-----")
    assert "other zones too" in files["README.md"].decode()
    with pytest.raises(Conflict, match="not there any more"):
        exports.fetch_export(actor=alice, export=asked.row, key=asked.key)


def test_machines_of_the_domain_are_in_it_with_their_seeds(alice: Actor, domain: Domain) -> None:
    rock = build_rock(domain.organization, HOST_KEY)
    asked = exports.ask_for_export(actor=alice, domain=domain)
    exporter.make(asked.row.pk, Opener())
    assert not any(path.startswith("albatross/") for path in fetched(alice, asked))
    make_address(alice, domain, "ada")
    repository = repositories.connect_repository(actor=alice, domain=domain, host="git.example", path="r.git")
    waiting_reader(repository, rock.unikernel)
    assert RepositoryReader.objects.exists()
    asked = exports.ask_for_export(actor=alice, domain=domain)
    exporter.make(asked.row.pk, Opener())
    files = fetched(alice, asked)
    assert b"--arg=--seed=hunter2" in files["albatross/rock.sh"]
    assert list(json.loads(files["seeds.json"]).values()) == [{"seed": "hunter2"}]
    assert rock.stopped.name not in files["albatross/rock.sh"].decode()
    assert repository.remote in files["relay.sh"].decode()


def test_nothing_secret_lies_around(alice: Actor, domain: Domain) -> None:
    lived_in(alice, domain)
    asked = exports.ask_for_export(actor=alice, domain=domain)
    exporter.make(asked.row.pk, Opener())
    row = Export.objects.get()
    assert asked.key not in repr(asked)
    for secret in (HASH, SEED, asked.key):
        assert row.archive is not None
        assert secret.encode() not in bytes(row.archive)
        for event in Event.objects.all():
            assert secret not in json.dumps([event.sentence, event.subject, event.before, event.after])
        for mail in OutgoingMail.objects.all():
            assert secret not in Opener().open(Purpose.MAIL_BODY, bytes(mail.sealed_body))
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM tenants_export")
        assert asked.key not in repr(cursor.fetchall())
    told = OutgoingMail.objects.filter(subject__contains="export of")
    assert [mail.recipient for mail in told] == ["alice@people.example"]


def test_a_new_one_ends_the_earlier_one_and_time_ends_each(alice: Actor, domain: Domain) -> None:
    first = exports.ask_for_export(actor=alice, domain=domain)
    exporter.make(first.row.pk, Opener())
    second = exports.ask_for_export(actor=alice, domain=domain)
    with pytest.raises(Conflict):
        exports.fetch_export(actor=alice, export=first.row, key=first.key)
    exporter.make(second.row.pk, Opener())
    rookery = Actor.rookery()
    assert exports.expire_exports(actor=rookery) == 0
    Export.objects.filter(pk=second.row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Conflict):
        exports.fetch_export(actor=alice, export=second.row, key=second.key)
    assert exports.expire_exports(actor=rookery) == 1
    assert not Export.objects.exclude(archive=None).exists()
    Export.objects.update(asked_at=timezone.now() - timedelta(days=31))
    exports.expire_exports(actor=rookery)
    assert not Export.objects.exists()


def test_owners_alone_ask_and_fetch(alice: Actor, bob: Actor, charlie: Actor, domain: Domain) -> None:
    asked = exports.ask_for_export(actor=alice, domain=domain)
    exporter.make(asked.row.pk, Opener())
    for person, refusal in ((bob, Forbidden), (charlie, Absent)):
        with pytest.raises(refusal):
            exports.ask_for_export(actor=person, domain=domain)
        with pytest.raises((Absent, Forbidden)):
            exports.fetch_export(actor=person, export=asked.row, key=asked.key)
    with pytest.raises(Forbidden):
        exports.fetch_export(actor=replace(alice, read_only=True), export=asked.row, key=asked.key)
    with pytest.raises(Forbidden):
        exports.record_export(actor=alice, export=asked.row, problem="x")


def test_what_cannot_be_opened_is_told(alice: Actor, domain: Domain) -> None:
    lived_in(alice, domain)
    asked = exports.ask_for_export(actor=alice, domain=domain)
    exporter.make(asked.row.pk, Opener(WorkersKeys(b64encode(bytes(31) + b"x").decode())))
    row = Export.objects.get()
    assert (row.state, row.archive) == ("failed", None)
    assert "sealed with another key" in row.problem
