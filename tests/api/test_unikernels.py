"""A unikernel by program: what is answered after waiting is what was observed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from panel.api import base
from panel.api.waiting import Progress
from tenants.actor import Actor
from tenants.models import Organization, SyncTarget
from tests.api.client import Api
from tests.contract.host_world import own_images
from tests.hosting import PLAIN, add_host, share_of, upload

pytestmark = [pytest.mark.django_db, pytest.mark.one_database, pytest.mark.urls("tests.api.urls")]


def test_a_new_one_is_told_as_it_is_after_waiting(
    api: Callable[..., Api],
    olga: Actor,
    organization: Organization,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own_images(settings, tmp_path)
    share = share_of(add_host(olga, organization, tmp_path), organization)
    image = upload(olga, organization, PLAIN)

    def proved_meanwhile(marks: dict[int, int], seconds: float) -> Progress:
        for target, generation in marks.items():
            SyncTarget.objects.filter(pk=target).update(observed_generation=generation)
        return Progress(len(marks), len(marks), 0)

    monkeypatch.setattr(base, "wait_for", proved_meanwhile)
    wish = {"name": "web", "image": image.pk, "memory": 32}
    answer = api(olga).post(f"hosts/{share.pk}/unikernels/?wait=1", wish)
    assert answer.status_code == 201, answer.content
    assert answer["Rookery-Observed"] == "true"
    assert answer.json()["observed"] is True
