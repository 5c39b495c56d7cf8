"""An upgrade as it is planned, on real iptables: forth, back, and forth again to its end, while clients come
without a pause. None is turned away, and one that stays is cut by nothing but the end of its server."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tenants.formats.firewall.connections import Connection, read_connections
from tenants.formats.firewall.helper import helper_text
from tenants.formats.firewall.intent import Intent
from tenants.formats.stacks.needs import firewall_needs, side_by_side
from tenants.formats.stacks.placing import Placed
from tenants.formats.stacks.plan import plan_stack
from tenants.formats.stacks.upgrade import next_release
from tests.firewall.conftest import Namespace
from tests.firewall.reached import dialing
from tests.firewall.world import OUTSIDE, World, connecting
from tests.stacks.wishes import images, wish

pytestmark = pytest.mark.debian
PUBLIC = IPv4Address("192.0.2.1")
FIRST = wish(public=PUBLIC)
_STAYS = """
import socketserver, sys
class Talk(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(f"{sys.argv[2]} {self.client_address[0]}".encode())
        while said := self.request.recv(100):
            self.request.sendall(said)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 200
with Server(("0.0.0.0", int(sys.argv[1])), Talk) as server:
    print("ready", flush=True)
    server.serve_forever()
"""


@contextmanager
def serving(namespace: Namespace, port: int, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server there that greets, and answers for as long as its client stays."""
    words = namespace.command(sys.executable, "-c", _STAYS, str(port), name)
    with subprocess.Popen(words, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout
            assert server.stdout.readline() == b"ready\n"
            yield server
        finally:
            server.kill()


def planned() -> tuple[dict[str, Placed], dict[str, Placed]]:
    """The roles of a release, and of the next one, in which receiver and submission server are others."""
    first = plan_stack(FIRST).roles
    newer = {name: replace(images()[name], digest="ff" * 32) for name in ("verifier", "submission")}
    taken = frozenset(each.address for each in first)
    second = replace(FIRST, images={**images(), **newer}, release=2, taken=taken)
    following = next_release(second, first, {name: each.digest for name, each in images().items()})
    assert following.beside == {"verifier", "submission"}
    return tuple({each.role.name: each for each in roles} for roles in (first, following.roles))  # type: ignore[return-value]


def needs(roles: dict[str, Placed]) -> Intent:
    return firewall_needs(FIRST, tuple(roles.values()), {name: each.address for name, each in roles.items()})


def told(world: World, folder: Path, *addresses: str) -> tuple[Connection, ...]:
    """As the host's own helper tells which connections stand."""
    helper = folder / "rookery-firewall"
    helper.write_text(helper_text().replace("/run/rookery-firewall", str(folder / "state")))
    said = world.host.run("sh", str(helper), "connections", *addresses).stdout
    return read_connections(said, addresses)


@pytest.mark.parametrize(("back_end", "bridge_calls"), [("nft", False), ("legacy", True)])
def test_none_is_turned_away_forth_back_and_forth_again(
    back_end: str, bridge_calls: bool, new_namespace: Callable[[], Namespace], tmp_path: Path
) -> None:
    old, new = planned()
    world = World(new_namespace, back_end, bridge_calls=bridge_calls)
    world.host.run("iptables-" + back_end, "-P", "FORWARD", "DROP")  # as Docker leaves it
    before, after = needs(old), needs(new)
    both = [side_by_side(before, after, serves=each) for each in (before, after)]
    world.apply(before)
    with ExitStack() as stack:
        servers, ports = {}, {"verifier": 25, "submission": 465}
        for roles, name in ((old, "old"), (new, "new")):
            for role, port in ports.items():
                there = world.unikernel(roles[role].address)
                servers[name, role] = stack.enter_context(serving(there, port, name))
        stays = stack.enter_context(dialing(world.outside)(str(PUBLIC), 25, 3))
        assert stays.recv(100).decode() == f"old {OUTSIDE}"
        clients = [
            stack.enter_context(connecting(world.outside, str(PUBLIC), port)) for port in ports.values()
        ]
        said: list[str] = []

        def come(until: str) -> None:
            """Clients at both ports, until all the last ones of each were greeted by this one."""
            for answers in clients:
                last: list[str] = []
                for _ in range(5000):
                    last = [*last[-19:], next(answers)]
                    said.append(last[-1])
                    if last.count(f"{until} {OUTSIDE}") == 20:
                        break
                else:
                    raise AssertionError(f"never all of {until}: {last}")

        come("old")
        for rules, name in ((both[0], "old"), (both[1], "new"), (both[0], "old"), (before, "old")):
            world.apply(rules)  # to the new ones, rolled back, and all as it was
            come(name)
            assert _answers(stays), f"cut by the rules that lead to {name}"
        for rules, name in ((both[0], "old"), (both[1], "new")):
            world.apply(rules)
            come(name)
        assert _answers(stays)
        # What the page will say was cut: the one that stays, and nobody else.
        [cut] = told(world, tmp_path, old["verifier"].address, old["submission"].address)
        assert str(cut) == f"{OUTSIDE} to port 25 of {old['verifier'].address}"
        for role in ports:
            servers["old", role].kill()
        assert not _answers(stays)
        come("new")
        world.apply(after)
        come("new")
    assert set(said) == {f"old {OUTSIDE}", f"new {OUTSIDE}"}, "somebody was turned away"


def _answers(stays: socket.socket) -> bool:
    try:
        stays.sendall(b"still there?")
        return bool(stays.recv(100))
    except OSError:
        return False
