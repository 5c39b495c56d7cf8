"""An image by program: the file itself, as a stream, or in base64 within JSON."""

from __future__ import annotations

import base64
import hashlib
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tenants.actor import Actor
from tenants.formats.solo5_image import MOST_IMAGE
from tenants.models import Image, Organization
from tests.api.client import Api, check, shared_client
from tests.contract.host_world import own_images
from tests.hosting import NETWORKED, PLAIN

pytestmark = [pytest.mark.django_db, pytest.mark.one_database, pytest.mark.urls("tests.api.urls")]

AT = "/api/v1/images/"
KIND = "application/octet-stream"


@pytest.fixture(autouse=True)
def images_here(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


def send(api: Api, content: bytes, headers: dict[str, str] | None = None, **query: Any) -> Any:
    answer = shared_client().generic(
        "POST",
        f"{AT}?{urlencode(query)}",
        content,
        content_type=KIND,
        headers=api.headers | (headers or {}),
        CONTENT_TYPE=KIND,
    )
    check("post", AT, answer)
    return answer


def test_the_file_itself_is_taken(api: Callable[..., Api], alice: Actor, organization: Organization) -> None:
    content, home = PLAIN, organization.pk
    answer = send(
        api(alice), content, organization=home, name="relay of 2025", role="relay", era="2025", note="Fine"
    )
    assert answer.status_code == 201, answer.content
    row = Image.objects.get()
    assert answer["Location"] == f"{AT}{row.pk}/"
    assert (row.name, row.role, row.era, row.note) == ("relay of 2025", "relay", "2025", "Fine")
    assert row.sha256 == hashlib.sha256(content).hexdigest() == answer.json()["sha256"]
    # Compressed, and once more in JSON: the same row.
    again = send(api(alice), zlib.compress(content), organization=home, name="other")
    in_json = api(alice).post(
        "images/", {"organization": home, "name": "third", "contents": base64.b64encode(content).decode()}
    )
    assert [each.json()["id"] for each in (again, in_json)] == [row.pk, row.pk]


def test_a_dry_run_keeps_nothing(api: Callable[..., Api], alice: Actor, organization: Organization) -> None:
    answer = send(api(alice), PLAIN, organization=organization.pk, name="relay", dry_run="true")
    assert (answer.status_code, answer.json()["id"]) == (200, None)
    assert not Image.objects.exists()


def test_a_key_names_one_file(api: Callable[..., Api], alice: Actor, organization: Organization) -> None:
    client, key, beside = (
        api(alice),
        {"Idempotency-Key": "one"},
        {"organization": organization.pk, "name": "a"},
    )
    first = send(client, PLAIN, key, **beside)
    second = send(client, PLAIN, key, **beside)
    other = send(client, NETWORKED, key, **beside)
    assert (second.json(), second["Idempotency-Replayed"]) == (first.json(), "true")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


@pytest.mark.parametrize(
    ("content", "beside", "field", "problem"),
    [
        (b"\x7fELF nothing", {}, "contents", ""),
        (b"", {}, "contents", "empty"),
        (b"x", {"name": ""}, "name", "missing"),
        (b"x", {"organization": "first"}, "organization", "whole number"),
        (b"x", {"role": "king"}, "role", ""),
        (b"x", {"colour": "red"}, "colour", "not known"),
    ],
)
def test_what_is_wrong_is_named(
    content: bytes,
    beside: dict[str, str],
    field: str,
    problem: str,
    api: Callable[..., Api],
    alice: Actor,
    organization: Organization,
) -> None:
    given: dict[str, Any] = {"organization": organization.pk, "name": "relay", **beside}
    answer = send(api(alice), content, **given)
    assert answer.status_code == 400
    [told] = answer.json()["problems"]
    assert told["field"] == field
    assert problem in told["problem"]
    assert told["fix"]
    assert not Image.objects.exists()


def test_a_query_stands_beside_a_file_only(
    api: Callable[..., Api], alice: Actor, organization: Organization
) -> None:
    body = {"organization": organization.pk, "name": "a", "contents": "AAAA"}
    answer = api(alice).post("images/?name=b", body)
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (400, "name")


def test_who_may_not_make_images_there_may_not_so_either(
    api: Callable[..., Api], mona: Actor, organization: Organization
) -> None:
    assert send(api(None), PLAIN, organization=organization.pk, name="a").status_code == 401
    assert send(api(mona), PLAIN, organization=organization.pk, name="a").status_code == 403


class Zeros:
    """A body of so many bytes that were never in memory."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        piece = bytes(min(size, self.left) if size >= 0 else self.left)
        self.left -= len(piece)
        return piece

    readline = read


def test_a_file_that_is_too_long_takes_no_memory(
    api: Callable[..., Api], alice: Actor, organization: Organization
) -> None:
    size, headers = MOST_IMAGE + 2, api(alice).headers
    sent: dict[str, Any] = {"wsgi.input": Zeros(size), "CONTENT_LENGTH": size, "CONTENT_TYPE": KIND}
    tracemalloc.start()
    try:
        answer = shared_client().generic(
            "POST", f"{AT}?organization={organization.pk}&name=a", headers=headers, **sent
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "bigger than 128 MiB" in answer.json()["problems"][0]["problem"]
    assert peak < 16 << 20
