"""What goes wrong while people work: processes killed, outside systems that refuse, hang and hang up."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.contract.daemon_wire import Fault as Broken
from tests.contract.wire import Break
from tests.processes.client import Visitor
from tests.processes.crew import Crew, Process
from tests.processes.running import free_port, until
from tests.soak.world import World
from workers.sandbox.git_host import Fault, GitHost

# Mails too, which nobody takes here: where none tries to send them, each sweep hints at all of them again.
QUEUES = "relay_repository,zone_repository,dynamic_update,albatross_host,checks,mail,reviews,sweep"


class Staff:
    """The processes of a soak: any of them may be killed, and another takes its place at once."""

    def __init__(self, crew: Crew, *, workers: int, webs: int, lease: float) -> None:
        self._crew, self._lease = crew, lease
        self._ports = [free_port() for _ in range(webs)]
        self.workers = [self._worker(number) for number in range(workers)]
        self._beat_lives = crew.folder / "beat-lives"
        self.beat = self._beat()
        self.webs = [self._web(port) for port in self._ports]
        self.bases = [f"http://127.0.0.1:{port}" for port in self._ports]

    def _worker(self, number: int) -> Process:
        return self._crew.start(
            *("celery", "--quiet", "-A", "tests.soak.app", "worker", "--loglevel=WARNING"),
            *("--without-gossip", "--without-mingle", f"--hostname=soak{number}@%h"),
            *("--concurrency=2", f"--queues={QUEUES}"),
            SOAK_LEASE_SECONDS=str(self._lease),
            ROOKERY_WORKERS_KEY_FILE=os.environ["ROOKERY_WORKERS_KEY_FILE"],
        )

    def _web(self, port: int) -> Process:
        words = ("uvicorn", "panel.asgi:application", "--port", str(port), "--log-level", "warning")
        return self._crew.start(*words, "--no-proxy-headers", ROOKERY_PORT=str(port))

    def _beat(self) -> Process:
        self._beat_lives.unlink(missing_ok=True)
        return self._crew.start_beat(ROOKERY_ALIVE_PATH=str(self._beat_lives))

    def until_answering(self) -> None:
        def answers() -> bool:
            with suppress(OSError):
                return all(Visitor(base).get("/healthz").status == 200 for base in self.bases)
            return False

        until(answers, "the web processes", 60)

    def replace_the_ended(self) -> list[str]:
        """What a service manager does: start again whatever ended by itself; returns what. Celery's worker
        sometimes does when its broker goes away in the wrong moment."""
        found = []
        for number, worker in enumerate(self.workers):
            if not worker.runs:
                worker.kill()  # its children
                self.workers[number] = self._worker(number)
                found.append("worker ended by itself")
        for number, web in enumerate(self.webs):
            if not web.runs:
                self.webs[number] = self._web(self._ports[number])
                found.append("web ended by itself")
        if not self.beat.runs:
            self.beat = self._beat()
            found.append("beat ended by itself")
        return found

    # blows ----------------------------------------------------------------------------------------
    # Each says whether it was done. It is not while the last one of its kind that was killed is not back: on
    # a slow machine nobody would ever work.

    def kill_child(self, dice: random.Random) -> bool:
        """One process of a worker's pool, in the middle of whatever it does."""
        children = [int(each) for each in _children(dice.choice(self.workers).pid)]
        with suppress(ProcessLookupError, IndexError):
            os.kill(dice.choice(children), signal.SIGKILL)
            return True
        return False

    def kill_worker(self, dice: random.Random) -> bool:
        if not all(_children(worker.pid) for worker in self.workers):
            return False
        number = dice.randrange(len(self.workers))
        self.workers[number].kill()
        self.workers[number] = self._worker(number)
        return True

    def kill_web(self, dice: random.Random) -> bool:
        if not all(map(_is_open, self._ports)):
            return False
        number = dice.randrange(len(self.webs))
        self.webs[number].kill()
        self.webs[number] = self._web(self._ports[number])
        return True

    def kill_beat(self, dice: random.Random) -> bool:
        del dice
        if not self._beat_lives.exists():
            return False
        self.beat.kill()
        self.beat = self._beat()
        return True

    def kill_broker(self, dice: random.Random) -> bool:
        self._crew.broker.kill()
        time.sleep(dice.uniform(0, 0.5))
        self._crew.broker.start()
        return True


def _is_open(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def _children(pid: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return []


class Trouble:
    """One at a time, as the dice fall; `happened` counts what."""

    def __init__(self, staff: Staff, world: World, dice: random.Random, *, longest: float) -> None:
        self.happened: Counter[str] = Counter()
        self._staff, self._world, self._dice, self._longest = staff, world, dice, longest
        self._kinds: dict[str, Callable[[], bool]] = {
            "process of a worker killed": lambda: staff.kill_child(dice),
            "worker killed": lambda: staff.kill_worker(dice),
            "web killed": lambda: staff.kill_web(dice),
            "beat killed": lambda: staff.kill_beat(dice),
            "broker killed": lambda: staff.kill_broker(dice),
            "git host refuses": self._refuse,
            "git host hangs": lambda: self._misbehave(Fault(hang_after=dice.randrange(2_000))),
            "git host cuts": lambda: self._misbehave(Fault(cut_after=dice.randrange(2_000))),
            "git host does it and does not say so": lambda: self._misbehave(Fault(cut_before_answer=True)),
            "git host hangs up": self._hang_up,
        }
        if world.name_server is not None:
            self._kinds |= {
                "name server cuts": lambda: self._cut(Break(up=dice.randrange(600))),
                "name server hangs": lambda: self._cut(Break(up=dice.randrange(600), silent=True)),
                "name server does it and does not say so": lambda: self._cut(Break(down=dice.randrange(100))),
            }
        if world.albatross is not None:
            self._kinds |= {f"albatross: {fault}": partial(self._breaks, fault) for fault in Broken}
        self._order = list(self._kinds)
        dice.shuffle(self._order)

    def strike(self) -> None:
        """The next kind: each comes once before any comes twice. One that cannot be done yet is the next
        round's."""
        self.happened.update(self._staff.replace_the_ended())
        if not self._order:
            self._order = list(self._kinds)
            self._dice.shuffle(self._order)
        kind = self._order.pop()
        if self._kinds[kind]():
            self.happened[kind] += 1

    def _host(self) -> GitHost:
        return self._dice.choice(self._world.git_hosts)

    def _hang_up(self) -> bool:
        self._host().drop_connections()
        return True

    def _refuse(self) -> bool:
        """Nobody listens there for a while."""
        host = self._host()
        host._wanted_port = host.port
        host.stop()
        time.sleep(self._dice.uniform(0.1, self._longest))
        host.start()
        return True

    def _misbehave(self, fault: Fault) -> bool:
        host = self._host()
        host.fault = fault
        time.sleep(self._dice.uniform(0.1, self._longest))
        host.fault = Fault()
        host.drop_connections()
        return True

    def _cut(self, fault: Break) -> bool:
        wire = self._world.name_server
        assert wire is not None
        wire.breaks(fault)
        time.sleep(self._dice.uniform(0.1, self._longest))
        wire.breaks(Break())
        return True

    def _breaks(self, fault: Broken) -> bool:
        """One of its next commands goes wrong."""
        wire = self._world.albatross
        assert wire is not None
        wire.breaks(self._dice.randrange(1, 8), fault)
        time.sleep(self._dice.uniform(0.1, self._longest))
        wire.breaks(0, fault)
        return True
