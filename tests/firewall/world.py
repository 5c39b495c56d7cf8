"""A host with two bridges, unikernels on them, and somebody outside: namespaces joined by real links."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.intent import Intent
from tenants.formats.firewall.restore import Wanted, restore_text
from tenants.formats.firewall.saved import Owner
from tests.firewall.conftest import Iptables, Namespace

OUTSIDE = "192.0.2.100"
_SERVER = """
import socket, sys
server = socket.create_server(("0.0.0.0", int(sys.argv[1])), backlog=200)
print("ready", flush=True)
while True:
    connection, peer = server.accept()
    connection.sendall(f"{sys.argv[2]} {peer[0]}".encode())
    connection.close()
"""
_CLIENT = """
import socket, sys
for _ in range(int(sys.argv[3])):
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[4])) as one:
            one.settimeout(2)
            print(one.recv(100).decode(), flush=True)
    except OSError as error:
        print("no", type(error).__name__, flush=True)
"""


class World:
    """`host` with br0 (10.0.0.1) and br1 (10.0.1.1) and the public addresses 192.0.2.1 and .2."""

    def __init__(self, new: Callable[[], Namespace], back_end: str, *, bridge_calls: bool) -> None:
        self.new = new
        self.host = new()
        self.iptables = Iptables(self.host, back_end)
        self.unikernels: dict[str, Namespace] = {}
        self.generation = 0
        in_host = self.host.run
        in_host("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        in_host("ip", "link", "set", "lo", "up")
        for number in (0, 1):
            in_host("ip", "link", "add", f"br{number}", "type", "bridge")
            in_host("ip", "addr", "add", f"10.0.{number}.1/24", "dev", f"br{number}")
            in_host("ip", "link", "set", f"br{number}", "up")
        # Netfilter for bridged packets is a switch of each network namespace.
        switch = f"echo {int(bridge_calls)} > /proc/sys/net/bridge/bridge-nf-call-iptables"
        in_host("sh", "-c", switch)
        self.outside = self._join("uplink", f"{OUTSIDE}/24")
        for public in ("192.0.2.1", "192.0.2.2"):
            in_host("ip", "addr", "add", f"{public}/24", "dev", "uplink")
        in_host("ip", "link", "set", "uplink", "up")

    def unikernel(self, address: str) -> Namespace:
        """The namespace that has an address of a bridge."""
        if address not in self.unikernels:
            _, _, number, last = address.split(".")
            made = self._join(f"v{number}-{last}", f"{address}/24")
            self.host.run("ip", "link", "set", f"v{number}-{last}", "master", f"br{number}", "up")
            made.run("ip", "route", "add", "default", "via", f"10.0.{number}.1")
            self.unikernels[address] = made
        return self.unikernels[address]

    def apply(self, intent: Intent) -> None:
        self.generation += 1
        wanted = Wanted(Owner("a1b2", self.generation), derive(intent))
        text = restore_text(wanted, self.iptables.saved())
        if text:
            self.iptables.restore(text)

    def _join(self, link: str, address: str) -> Namespace:
        made = self.new()
        ends = f"netns {self.host.pid} type veth peer name eth0 netns {made.pid}"
        subprocess.run(["ip", "link", "add", link, *ends.split()], check=True, timeout=20)
        for words in (
            ("link", "set", "lo", "up"),
            ("addr", "add", address, "dev", "eth0"),
            ("link", "set", "eth0", "up"),
        ):
            made.run("ip", *words)
        return made


@contextmanager
def listening(namespace: Namespace, port: int, name: str) -> Iterator[None]:
    """A server there that tells each client its own name and the client's address."""
    command = namespace.command(sys.executable, "-c", _SERVER, str(port), name)
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"
        yield
    finally:
        server.kill()
        server.wait(10)
        server.stdout.close()


def connect(namespace: Namespace, address: str, port: int, *, timeout: float = 0.4) -> str:
    """What the server said, or `no …`."""
    words = (sys.executable, "-c", _CLIENT, address, str(port), "1", str(timeout))
    return namespace.run(*words).stdout.strip()


@contextmanager
def connecting(namespace: Namespace, address: str, port: int) -> Iterator[Iterator[str]]:
    """Connect again and again, at most 20,000 times, and give each answer."""
    words = (sys.executable, "-c", _CLIENT, address, str(port), "20000", "3")
    client = subprocess.Popen(namespace.command(*words), stdout=subprocess.PIPE, text=True)
    try:
        assert client.stdout
        yield (line.strip() for line in client.stdout)
    finally:
        client.kill()
        client.wait(10)
        client.stdout.close()
