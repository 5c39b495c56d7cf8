"""Images in the browser: what is too big is not kept, roles with their releases, watched jobs, sharing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client

from panel import image_uploads
from tenants.actions import image_feeds, image_fetches
from tenants.actor import Actor
from tenants.models import Image, ImageFeed, ImageFetch, Organization
from tests.contract.host_world import own_images
from tests.hosting import NETWORKED, PLAIN, _feed, upload

pytestmark = pytest.mark.django_db
MIB = 1 << 20


@pytest.fixture(autouse=True)
def images_here(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


def test_300_megabytes_are_refused_and_never_held(
    as_alice: Client, organization: Organization, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same 300 times as much as an image may have, in a limit that is smaller by a hundred."""
    most, kept = 2 * MIB, []
    monkeypatch.setattr(image_uploads, "MOST_IMAGE", most)
    monkeypatch.setattr("tenants.actions.images.MOST_IMAGE", most)
    complete = TemporaryFileUploadHandler.file_complete

    def measured(self: Any, file_size: int) -> Any:
        kept.append((file_size, Path(self.file.temporary_file_path()).stat().st_size, self.file.tell()))
        return complete(self, file_size)

    monkeypatch.setattr(TemporaryFileUploadHandler, "file_complete", measured)
    file = io.BytesIO(bytes(5 * MIB))
    file.name = "huge.hvt"
    given = {"organization": organization.pk, "name": "huge", "role": "other", "image": file}
    answer = as_alice.post("/images/upload", given)
    assert answer.status_code == 400
    assert "bigger than 2 MiB" in answer.content.decode()
    [(told, on_disk, written)] = kept
    assert told == written == most + 1
    assert on_disk <= most + 1
    assert not Image.objects.exists()
    assert not (tmp_path / "images").exists()


def test_images_stand_by_role_the_newest_first_with_their_notes(
    as_alice: Client, alice: Actor, organization: Organization
) -> None:
    upload(alice, organization, PLAIN, name="relay of May", role="relay", era="2025", note="Runs since May")
    upload(alice, organization, NETWORKED, name="relay of June", role="relay", note="Not tried yet")
    text = as_alice.get("/images").content.decode()
    assert text.index("relay of June") < text.index("relay of May")
    assert ">Relay</h2>" in text
    for said in ("Runs since May", "Not tried yet", "2 images, ready to run."):
        assert said in text


def test_a_proposed_build_is_fetched_or_ignored(
    as_alice: Client, as_bob: Client, organization: Organization
) -> None:
    feed = _feed(organization)
    for page in ("/images", "/images/feeds", f"/images/feeds/{feed.pk}"):
        text = as_alice.get(page).content.decode()
        assert "Fetch it" in text
        assert "Fetch it" not in as_bob.get(page).content.decode()
    old = as_alice.post(f"/images/feeds/{feed.pk}/take", {"sha256": "0" * 64}, follow=True)
    assert "Another build is proposed by now" in old.content.decode()
    as_alice.post(f"/images/feeds/{feed.pk}/ignore", {"sha256": feed.sha256})
    assert ImageFeed.objects.get().state == "ignored"
    assert "Newer builds" not in as_alice.get("/images").content.decode()
    answer = as_alice.post(f"/images/feeds/{feed.pk}/take", {"sha256": feed.sha256})
    fetch = ImageFetch.objects.get()
    assert (answer["Location"], fetch.sha256) == (f"/images/fetches/{fetch.pk}", feed.sha256)
    assert fetch.url == f"https://builds.example.org/job/relay/build/{feed.build}/main-binary"


def test_a_job_is_watched_and_no_more(as_alice: Client, organization: Organization) -> None:
    image_fetches.add_build_server(actor=Actor.rookery(), name="builds.example.org")
    given = {"organization": organization.pk, "role": "signer", "era": ""}
    wrong = as_alice.post("/images/feeds", given | {"url": "https://builds.example.org/signer"})
    assert "no page of a job" in wrong.content.decode()
    as_alice.post("/images/feeds", given | {"url": "https://builds.example.org/job/signer/"})
    feed = ImageFeed.objects.get()
    assert "Being looked at" in as_alice.get("/images/feeds").content.decode()
    image_feeds.fail_look(
        actor=Actor.rookery(), feed=feed, problem="It broke <b>.", fix="Wait.", at=feed.created_at
    )
    assert "It broke &lt;b&gt;." in as_alice.get("/images/feeds").content.decode()
    as_alice.post(f"/images/feeds/{feed.pk}/remove")
    assert not ImageFeed.objects.exists()


def test_an_owner_shares_and_names_nobody_else(
    as_alice: Client, alice: Actor, charlie: Actor, organization: Organization
) -> None:
    row = upload(alice, organization)
    home = Organization.objects.get(name="Difference Works")
    row.shared_with.set([home])
    text = as_alice.get(f"/images/{row.pk}").content.decode()
    assert "one that an operator chose" in text
    assert "Difference Works" not in text
    as_alice.post(f"/images/{row.pk}/share", {"with": "chosen"})
    assert not row.shared_with.exists()
    refused = as_alice.post(
        f"/images/{row.pk}/share", {"with": "chosen", "organizations": [home.pk]}, follow=True
    )
    assert "There is no such organization" in refused.content.decode()
    as_alice.post(f"/images/{row.pk}/share", {"with": "all"})
    row.refresh_from_db()
    assert row.shared
