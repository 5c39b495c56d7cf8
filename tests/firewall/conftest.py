"""Real iptables in network namespaces of their own, on either back-end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tenants.formats.firewall.saved import Saved, read_saved


class Namespace:
    """A network namespace that lives as long as its sleeping process. Commands in it have 20 seconds."""

    def __init__(self) -> None:
        self.keeper = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE
        )
        assert self.keeper.stdout
        assert self.keeper.stdout.readline() == b"ready\n"

    @property
    def pid(self) -> int:
        return self.keeper.pid

    def command(self, *words: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *words]

    def run(self, *words: str, given: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*words), input=given, capture_output=True, text=True, timeout=20, check=False
        )
        if check:
            assert done.returncode == 0, f"{words}: {done.stderr}"
        return done

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.keeper.wait(10)
        assert self.keeper.stdout
        self.keeper.stdout.close()


class Iptables:
    """A host's firewall: `iptables-nft` or `iptables-legacy`, IPv4 or IPv6, in a namespace."""

    def __init__(self, namespace: Namespace, back_end: str = "nft", family: int = 4) -> None:
        self.namespace = namespace
        self.program = f"{'ip6tables' if family == 6 else 'iptables'}-{back_end}"

    def __call__(self, *words: str) -> None:
        self.namespace.run(self.program, *words)

    def save(self, *words: str) -> str:
        save = f"{self.program}-save"
        return "".join(self.namespace.run(save, *words, "-t", t).stdout for t in ("filter", "nat"))

    def saved(self) -> Saved:
        return read_saved(self.save("-c"))

    def restore(self, text: str) -> None:
        """As a worker does: try it first."""
        program = f"{self.program}-restore"
        self.namespace.run(program, "--noflush", "--test", given=text)
        self.namespace.run(program, "--noflush", given=text)


@pytest.fixture
def new_namespace() -> Iterator[Callable[[], Namespace]]:
    made: list[Namespace] = []

    def new() -> Namespace:
        made.append(Namespace())
        return made[-1]

    yield new
    for each in made:
        each.close()


@pytest.fixture(params=["nft", "legacy"])
def iptables(request: pytest.FixtureRequest, new_namespace: Callable[[], Namespace]) -> Iptables:
    return Iptables(new_namespace(), request.param)
