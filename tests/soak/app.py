"""The product's Celery application with a shorter lease, so that a soak need not wait as long as life does.

The order of the times stays: a connection is given up before its task, and a task before its lease. What
starts on a host is watched for less long, too.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.processes.settings"

import django

django.setup()

from workers import albatross, assembly, lease, ssh  # noqa: E402 - after Django is set up
from workers.celery import app  # noqa: E402 - after Django is set up
from workers.targets import git_target, host_connection  # noqa: E402 - after Django is set up

__all__ = ["app"]
_SECONDS = float(os.environ["SOAK_LEASE_SECONDS"])
_endpoint_of = git_target.endpoint_of


def endpoint_of(*given: Any) -> ssh.SshEndpoint:
    return replace(_endpoint_of(*given), timeout=_SECONDS / 4, connect_timeout=_SECONDS / 4)


git_target.endpoint_of = endpoint_of
host_connection.TIMEOUTS = albatross.Timeouts(
    connect=_SECONDS / 4, read=_SECONDS / 4, change=_SECONDS / 2, transfer=_SECONDS / 2
)
assembly.WATCH_SECONDS *= timedelta(seconds=_SECONDS) / lease.DURATION
lease.DURATION = timedelta(seconds=_SECONDS)
app.conf.task_soft_time_limit = _SECONDS * 0.8
app.conf.task_time_limit = _SECONDS * 0.9
