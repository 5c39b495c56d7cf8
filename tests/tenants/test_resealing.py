"""Renewing the workers' key loses no secret: all are found, sealed anew and still mean the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db.models import BinaryField
from django.utils import timezone

from tenants import keys
from tenants.actions import mailboxes, resealing, undo
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.keys import WorkersKeys
from tenants.models import Event, FormerPassphrase, Mailbox, OutgoingMail
from tenants.sealed_fields import SealedField, sealed_fields
from tenants.secrets import CannotOpen, Opener, Purpose, seal
from tests.conftest import HASH

NEXT_HASH = "0123456789abcdef" * 8
OLD = WorkersKeys("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")


def sealed_to(held: WorkersKeys, settings: Any, clear: str = "canary") -> bytes:
    settings.WORKERS_PUBLIC_KEY = keys.public_half(held.current)
    return seal(Purpose.MAIL_BODY, clear)


def test_every_column_of_bytes_is_known() -> None:
    """A new one is sealed to workers, or stands here with the reason why not."""
    columns = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("tenants").get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, BinaryField)
    }
    assert columns - {str(each) for each in sealed_fields()} == {
        "Export.public_key",  # is public
        "Export.archive",  # is sealed to a person's key, or has no secrets
        "OrganizationImport.content",  # is sealed to a person's key, or has no secrets
        "Passkey.credential",  # is public: the secret half never leaves the authenticator
        "Passkey.credential_id",
    }
    assert len(sealed_fields()) > 10


def test_a_former_key_still_opens_and_marks_stay(settings: Any) -> None:
    sealed = sealed_to(OLD, settings)
    renewed = OLD.renewed()
    assert Opener(renewed).open(Purpose.MAIL_BODY, sealed) == "canary"
    assert Opener(renewed).mark(b"x") == Opener(OLD).mark(b"x")
    anew = Opener(renewed).sealed_anew(sealed)
    assert anew is not None
    assert Opener(renewed).sealed_anew(anew) is None
    only_new = Opener(renewed.retired())
    assert only_new.open(Purpose.MAIL_BODY, anew) == "canary"
    assert only_new.mark(b"x") == Opener(OLD).mark(b"x")
    with pytest.raises(CannotOpen):
        only_new.open(Purpose.MAIL_BODY, sealed)
    with pytest.raises(CannotOpen):
        only_new.sealed_anew(sealed)


def test_a_key_file_is_read_as_it_was_written() -> None:
    for held in (OLD, OLD.renewed(), OLD.renewed().renewed(), OLD.renewed().retired()):
        assert WorkersKeys.read(held.text()) == held
        assert held.current not in repr(held)
    for wrong in ("x", "marks=", OLD.text() + "\n" + OLD.text(), "marks=" + OLD.current, OLD.current[:-4]):
        with pytest.raises(ValueError, match=r"no key of workers\Z"):
            WorkersKeys.read(wrong)


@pytest.mark.django_db
def test_all_that_is_stored_is_sealed_anew(
    settings: Any, make_mailbox: Callable[..., Mailbox], alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "AT_ONCE", 2)
    settings.WORKERS_PUBLIC_KEY = keys.public_half(OLD.current)
    rows = [make_mailbox(name) for name in ("ada", "ben", "cleo")]
    mailboxes.set_passphrase(actor=alice, mailbox=rows[0], password_hash=NEXT_HASH)
    held = OLD.renewed()
    counted = resealing.reseal(actor=Actor.rookery(), opener=Opener(held), write=False)
    assert (counted.anew > 3, counted.right, counted.lost, counted.done) == (True, 0, [], False)

    done = resealing.reseal(actor=Actor.rookery(), opener=Opener(held))
    assert (done.anew, done.right, done.lost, done.done) == (counted.anew, counted.anew, [], True)
    only_new = Opener(held.retired())
    for row, clear in zip(rows, (NEXT_HASH, HASH, HASH), strict=True):
        row.refresh_from_db()
        assert only_new.open(Purpose.MAILBOX_HASH, bytes(row.sealed_hash or b"")) == clear
    assert Event.objects.get(verb="reseal").organization is None
    again = resealing.reseal(actor=Actor.rookery(), opener=only_new)
    assert (again.anew, again.right) == (0, counted.anew)

    # What could be undone before can be undone still.
    undo.undo_event(actor=alice, event=Event.objects.get(verb="set_passphrase", mailbox=rows[0]))
    rows[0].refresh_from_db()
    assert only_new.open(Purpose.MAILBOX_HASH, bytes(rows[0].sealed_hash or b"")) == HASH
    assert FormerPassphrase.objects.exists()


@pytest.mark.django_db
def test_every_sealed_column_is_reached(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each column's own query runs, on whatever rows there are."""
    seen: list[str] = []
    real = resealing._reseal_field

    def spy(opener: Opener, where: SealedField, *rest: Any, **more: Any) -> None:
        seen.append(str(where))
        real(opener, where, *rest, **more)

    monkeypatch.setattr(resealing, "_reseal_field", spy)
    resealing.reseal(actor=Actor.rookery(), opener=Opener(OLD), write=False)
    assert seen == [str(each) for each in sealed_fields()]


@pytest.mark.django_db
def test_what_changes_meanwhile_is_not_overwritten(settings: Any) -> None:
    row = OutgoingMail.objects.create(
        recipient="a@home.example",
        subject="s",
        created_at=timezone.now(),
        sealed_body=sealed_to(OLD, settings),
    )
    newer = sealed_to(OLD, settings, "newer")
    where = SealedField(OutgoingMail, "sealed_body")
    read = bytes(row.sealed_body or b"")
    OutgoingMail.objects.update(sealed_body=newer)
    resealing._put(where, row.pk, read, b"late")
    row.refresh_from_db()
    assert bytes(row.sealed_body or b"") == newer


@pytest.mark.django_db
def test_nobody_else_reseals(alice: Actor, olga: Actor) -> None:
    for actor in (alice, olga):
        with pytest.raises(Forbidden):
            resealing.reseal(actor=actor, opener=Opener(OLD))


# The command ----------------------------------------------------------------------------------------------


@pytest.fixture
def files(settings: Any, tmp_path: Path) -> Path:
    keys.replace(tmp_path / keys.WEB, "w" * 25 + "abcde" * 6)
    keys.replace(tmp_path / keys.PRIVATE, OLD.current)
    keys.replace(tmp_path / keys.PUBLIC, keys.public_half(OLD.current))
    settings.KEY_FILES = {name: tmp_path / name for name in (keys.WEB, keys.PRIVATE, keys.PUBLIC)}
    return tmp_path


def told(*words: str) -> str:
    out = io.StringIO()
    call_command("keys", *words, stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_whole_way_of_the_workers_key(files: Path, settings: Any) -> None:
    row = OutgoingMail.objects.create(
        recipient="a@home.example",
        subject="s",
        created_at=timezone.now(),
        sealed_body=sealed_to(OLD, settings),
    )
    assert "Restart the workers and watch first" in told("renew", "workers")
    held = WorkersKeys.read((files / keys.PRIVATE).read_text())
    assert held.former == (OLD.current,)
    assert (files / keys.PUBLIC).read_text().strip() == keys.public_half(held.current)
    assert (files / keys.PRIVATE).stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="keys reseal first"):
        told("retire", "workers")
    assert "1 to former ones" in told("show")
    assert "1 secrets were sealed anew" in told("reseal")
    assert "1 former" in told("show")
    told("retire", "workers")
    held = WorkersKeys.read((files / keys.PRIVATE).read_text())
    assert held.former == ()
    row.refresh_from_db()
    assert Opener(held).open(Purpose.MAIL_BODY, bytes(row.sealed_body or b"")) == "canary"
    shown = told("show")
    assert "no former ones" in shown
    assert held.current not in shown
    assert "1 to the key in use, 0 to former ones" in shown


@pytest.mark.django_db
def test_what_no_key_opens_is_told_and_kept(files: Path, settings: Any) -> None:
    sealed = sealed_to(OLD.renewed(), settings)
    row = OutgoingMail.objects.create(
        recipient="a@home.example", subject="s", created_at=timezone.now(), sealed_body=sealed
    )
    said = told("reseal")
    assert f"OutgoingMail.sealed_body {row.pk}" in said
    assert "opened by none" in said
    row.refresh_from_db()
    assert bytes(row.sealed_body or b"") == sealed


def test_the_web_key_signs_on_and_goes(files: Path) -> None:
    before = (files / keys.WEB).read_text().strip()
    assert "Nobody is signed out" in told("renew", "web")
    new, former = (files / keys.WEB).read_text().split()
    assert former == before
    assert len(new) > 50
    told("retire", "web")
    assert (files / keys.WEB).read_text().split() == [new]


def test_a_key_elsewhere_is_written_where_one_says(files: Path, settings: Any, tmp_path: Path) -> None:
    settings.KEY_FILES = {**settings.KEY_FILES, keys.WEB: None}
    with pytest.raises(CommandError, match="--into"):
        told("renew", "web")
    told("renew", "web", "--into", str(tmp_path / "new"))
    assert (tmp_path / "new" / keys.WEB).read_text().split()[1:] == [settings.SECRET_KEY]
