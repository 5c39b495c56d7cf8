from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workers.albatross import Client, LocalDialer, Release, Timeouts, dialect_of
from workers.sandbox.albatross.host import AlbatrossHost

QUICK = Timeouts(connect=2.0, read=5.0, change=10.0, transfer=20.0)
MakeHost = Callable[..., AlbatrossHost]


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[MakeHost]:
    """Starts stand-ins in `tmp_path`; what they wait for takes a hundredth of the time."""
    hosts: list[AlbatrossHost] = []

    def make(*release: int, **options: Any) -> AlbatrossHost:
        host = AlbatrossHost(tmp_path, Release(*release), **({"pace": 0.01, "interval": 0.03} | options))
        hosts.append(host)
        host.start()
        return host

    yield make
    for host in hosts:
        host.stop()


@pytest.fixture
def make_client(tmp_path: Path) -> Callable[..., Client]:
    """A client of the stand-in in `tmp_path` that was told its release."""

    def make(*release: int) -> Client:
        return Client(LocalDialer(tmp_path), dialect_of(Release(*release)), QUICK)

    return make
