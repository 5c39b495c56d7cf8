"""Real processes of the product on the database of the running test: broker, workers, beat, web."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection

from panel.management import broker as product_broker
from tests.processes.running import ROOT, clean_environment, free_port, until

QUEUES = "relay_repository,checks,mail,sweep"


class Process:
    """A child in a session of its own, so that it can be killed with all its children."""

    def __init__(self, words: Sequence[str], log: Path, environment: dict[str, str]) -> None:
        with log.open("ab") as file:
            self._child = subprocess.Popen(
                words,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def runs(self) -> bool:
        return self._child.poll() is None

    def signal(self, number: int) -> None:
        """To it and all its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """It and all its children, in the middle of whatever they do."""
        self.signal(signal.SIGKILL)
        self._child.wait(10)

    def ask_to_stop(self) -> None:
        if self.runs:
            self._child.terminate()

    def stop(self) -> None:
        """As a service manager does; what does not end is killed."""
        self.ask_to_stop()
        if self.runs:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(15)
        self.kill()


class Broker:
    """The bundled Valkey on a private socket; it can be killed and started again."""

    def __init__(self) -> None:
        # A short name: the socket's path has to fit into the kernel's structure.
        self.folder = Path(tempfile.mkdtemp(prefix="rkb-"))
        self._socket = self.folder / "broker.sock"
        self.url = f"redis+socket://{self._socket}?virtual_host=0"
        self.process: Process | None = None

    def start(self) -> None:
        words = [product_broker._bundled(), *product_broker._arguments(self._socket, self.folder)]
        self.process = Process(words, self.folder / "log", dict(os.environ))
        until(self._answers, "the broker")

    def _answers(self) -> bool:
        with (
            suppress(redis.RedisError),
            redis.Redis(unix_socket_path=str(self._socket), socket_timeout=3) as client,
        ):
            return bool(client.ping())
        return False

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Crew:
    """A broker, and the processes that a test starts. What they all say is in `log`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.broker = Broker()
        self._stops = folder / "stops"
        self._stops.mkdir(parents=True)
        self.extra: dict[str, str] = {}
        self._processes: list[Process] = []
        # Nobody listens on it, so no mail of a test ever leaves this machine.
        self._no_mail = socket.socket()
        self._no_mail.bind(("127.0.0.1", 0))

    def environment(self, **more: str) -> dict[str, str]:
        """What every process of the product gets here; the workers' key is not in it."""
        ours = {
            "DJANGO_SETTINGS_MODULE": "tests.processes.settings",
            "TEST_DATABASE_NAME": str(connection.settings_dict["NAME"]),
            "ROOKERY_DATA": str(self.folder / "data"),
            "ROOKERY_WORKERS_PUBLIC_KEY": settings.WORKERS_PUBLIC_KEY,
            "ROOKERY_SMTP_PORT": str(self._no_mail.getsockname()[1]),
            "ROOKERY_SWEEP_SECONDS": "0.4",
            "ROOKERY_NEAR_NETWORKS": "127.0.0.0/8",
            "REDIS_URL": self.broker.url,
        }
        if "DATABASE_URL" in os.environ:
            ours["DATABASE_URL"] = os.environ["DATABASE_URL"]
        return clean_environment(**ours | self.extra | more)

    def start(self, *words: str, **more: str) -> Process:
        process = Process([sys.executable, "-W", "ignore", "-m", *words], self.log, self.environment(**more))
        self._processes.append(process)
        return process

    def start_worker(self, *, processes: int = 2, ssh_timeout: float = 10.0) -> Process:
        """A worker of every queue that can be made to stand still; waits until it is ready."""
        before = self.said().count(" ready.")
        worker = self.start(
            *("celery", "--quiet", "-A", "tests.processes.stopping", "worker", "--loglevel=INFO"),
            *("--without-gossip", "--without-mingle", f"--concurrency={processes}", f"--queues={QUEUES}"),
            TEST_STOPS=str(self._stops),
            TEST_SSH_TIMEOUT=str(ssh_timeout),
            ROOKERY_WORKERS_KEY_FILE=os.environ["ROOKERY_WORKERS_KEY_FILE"],
        )
        until(lambda: self.said().count(" ready.") > before, "the worker is ready", 60)
        return worker

    def start_beat(self, **more: str) -> Process:
        words = ("celery", "--quiet", "-A", "workers.celery", "beat", "--loglevel=WARNING")
        return self.start(*words, **more)

    def start_web(self) -> str:
        """A web process without the workers' key; returns where it answers."""
        port = free_port()
        words = ["uvicorn", "panel.asgi:application", "--port", str(port), "--no-proxy-headers"]
        web = self.start(*words, ROOKERY_PORT=str(port))

        def answers() -> bool:
            assert web.runs, self.said()
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            return False

        until(answers, "the web process", 60)
        return f"http://127.0.0.1:{port}"

    def broker_knows(self) -> bytes:
        """All that was ever sent through the broker."""
        return b"".join(path.read_bytes() for path in sorted(self.broker.folder.rglob("*.aof")))

    def processes(self) -> list[int]:
        """Of those that were started and run, with their children."""
        found = []
        for process in self._processes:
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(OSError, ProcessLookupError):
                    if os.getpgid(int(folder.name)) == process.pid:
                        found.append(int(folder.name))
        return found

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def will_stop_at(self, target: int, step: str) -> None:
        """The next process that comes to `step` of a pass over this target stands still there."""
        (self._stops / f"{target}.{step}").touch()

    def stopped_at(self, target: int, step: str) -> int:
        """Wait until a process stands still there; returns its id."""
        until(lambda: list(self._stops.glob(f"{target}.{step}.*")), f"somebody comes to {step}", 60)
        (found,) = self._stops.glob(f"{target}.{step}.*")
        pid = int(found.suffix[1:])
        until(lambda: state_of(pid) == "T", f"process {pid} stands still")
        return pid

    def close(self) -> None:
        for process in self._processes:
            process.signal(signal.SIGCONT)
            process.ask_to_stop()
        for process in reversed(self._processes):
            process.stop()
        self.broker.remove()
        self._no_mail.close()


def state_of(pid: int) -> str:
    """The letter of proc(5): R, S, T for stopped, Z; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


@contextmanager
def crew(folder: Path) -> Iterator[Crew]:
    """A crew with a running broker and nobody else yet; nothing of it is left afterwards."""
    found = Crew(folder)
    try:
        found.broker.start()
        yield found
    finally:
        found.close()
