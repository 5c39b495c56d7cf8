"""The product's Celery application, made to stand still at a step when a test asks for it.

A test puts a file `<target>.<step>` into the folder TEST_STOPS. The process that comes there in a pass over
this target adds its own id to the name and stops itself as Ctrl-Z does; what happens to it then is the test's
business. `celery -A tests.processes.stopping` runs it; the product knows nothing of it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.processes.settings"

import django

django.setup()

from workers import ssh
from workers.celery import app
from workers.controller import _OnePass
from workers.recorder import Recorder
from workers.targets import git_target

__all__ = ["app"]
STEPS = (
    *("observe", "plan", "guard", "apply", "push", "mid-pack"),
    *("pushed", "verify", "record", "recorded", "settle"),
)
_FOLDER = Path(os.environ["TEST_STOPS"])
_SSH_TIMEOUT = float(os.environ["TEST_SSH_TIMEOUT"])
_target = 0


def stop_at(step: str) -> None:
    """Stand still here if a test wants that, until somebody kills or continues this process."""
    assert step in STEPS
    wish = _FOLDER / f"{_target}.{step}"
    try:
        wish.rename(f"{wish}.{os.getpid()}")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP)


def _around(owner: Any, name: str, before: str, after: str) -> None:
    original = getattr(owner, name)

    def stopping(*args: Any, **kwargs: Any) -> Any:
        stop_at(before)
        result = original(*args, **kwargs)
        stop_at(after)
        return result

    setattr(owner, name, stopping)


_run = _OnePass.run
_step = Recorder.step
_write = ssh.Channel.write
_endpoint_of = git_target.endpoint_of


def run(self: _OnePass) -> Any:
    global _target  # noqa: PLW0603 - a process makes one pass at a time
    _target = self.target.pk
    return _run(self)


@contextmanager
def step(self: Recorder, name: str, **how: Any) -> Iterator[None]:
    with _step(self, name, **how):
        stop_at(name)
        yield


def write(self: ssh.Channel, data: bytes) -> None:
    if data.startswith(b"PACK"):
        middle = len(data) // 2
        _write(self, data[:middle])
        stop_at("mid-pack")
        data = data[middle:]
    _write(self, data)


def endpoint_of(*given: Any) -> ssh.SshEndpoint:
    return replace(_endpoint_of(*given), timeout=_SSH_TIMEOUT)


_OnePass.run = run  # type: ignore[method-assign]
Recorder.step = step  # type: ignore[method-assign,assignment]
ssh.Channel.write = write  # type: ignore[method-assign]
git_target.endpoint_of = endpoint_of
_around(git_target, "push", "push", "pushed")
_around(_OnePass, "_record_agreement", "record", "recorded")
