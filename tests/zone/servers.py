"""Real BIND and Knot, each in a folder and on a port of its own, stopped at the end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tenants.formats.zones.keyfile import TsigKey
from tenants.formats.zones.names import Name
from workers.zone import Server, Unreachable, served_serial

START_SECONDS = 20.0


def program(name: str) -> str:
    """Where a daemon is: also where only root's PATH looks. A missing one fails the test."""
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"]))
    assert found, f"{name} is missing; its package is in requirements/debian"
    return found


def free_port(host: str) -> int:
    """A port that is free for UDP and TCP, a moment ago at least."""
    for _ in range(50):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((host, 0))
            try:
                udp.bind((host, tcp.getsockname()[1]))
            except OSError:
                continue
            return int(tcp.getsockname()[1])
    raise AssertionError("no free port")


@contextmanager
def _running(words: list[str], server: Server, probe: Name, log: Path) -> Iterator[Server]:
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < end:
            try:
                served_serial(server, probe, timeout=0.5)
            except Unreachable:
                time.sleep(0.05)
            else:
                yield server
                return
        raise AssertionError(f"{words[0]} did not start:\n{log.read_text()[-3000:]}")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _bare(name: Name) -> str:
    return name.short


@contextmanager
def running_bind(
    folder: Path, zones: Mapping[Name, str], keys: list[TsigKey], extra: str = ""
) -> Iterator[Server]:
    """BIND as a primary of `zones` that any of `keys` may update and transfer; `extra` goes into its
    configuration. It listens on 127.0.0.1 only, for it takes no address that no interface names."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port("127.0.0.1")
    lines = [
        f'options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};',
        f'  pid-file "{folder}/pid"; session-keyfile "{folder}/session"; recursion no; dnssec-validation no;',
        "  allow-transfer { none; }; notify no; allow-new-zones no; };",
        "controls { };",
    ]
    for key in keys:
        lines.append(
            f'key "{_bare(key.name)}" {{ algorithm hmac-{key.algorithm.lower()}; secret "{key.secret}"; }};'
        )
    grants = " ".join(f"grant {_bare(key.name)} zonesub any;" for key in keys)
    names = " ".join(f'key "{_bare(key.name)}";' for key in keys)
    for zone, text in zones.items():
        (folder / _bare(zone)).write_text(text)
        lines.append(
            f'zone "{_bare(zone)}" {{ type primary; file "{_bare(zone)}"; update-policy {{ {grants} }};'
            f" allow-transfer {{ {names} }}; }};"
        )
    (folder / "named.conf").write_text("\n".join([*lines, extra.replace("@PORT@", str(port))]) + "\n")
    words = [program("named"), "-g", "-n", "1", "-c", str(folder / "named.conf")]
    probe = next(iter(zones), Name.of("nothing.invalid"))
    with _running(words, Server("127.0.0.1", port), probe, folder / "log") as server:
        yield server


@contextmanager
def running_knot(folder: Path, zones: Mapping[Name, str], keys: list[TsigKey]) -> Iterator[Server]:
    """Knot as a primary of `zones` that any of `keys` may update, transfer and notify."""
    folder.mkdir(parents=True, exist_ok=True)
    host = "127.0.71.6"
    port = free_port(host)
    lines = ["server:", f"  rundir: {folder}", f"  listen: {host}@{port}", "  background-workers: 1"]
    lines += ["  udp-workers: 1", "  tcp-workers: 1"]
    lines += ["database:", f"  storage: {folder}", "key:"]
    for key in keys:
        lines += [f"  - id: {_bare(key.name)}", f"    algorithm: hmac-{key.algorithm.lower()}"]
        lines += [f'    secret: "{key.secret}"']
    names = ", ".join(_bare(key.name) for key in keys)
    lines += ["acl:", "  - id: all", f"    key: [{names}]", "    action: [update, transfer, notify]", "zone:"]
    for zone, text in zones.items():
        (folder / _bare(zone)).write_text(text)
        lines += [f"  - domain: {_bare(zone)}", f"    storage: {folder}", f"    file: {_bare(zone)}"]
        lines += ["    acl: [all]", "    zonefile-sync: 0", "    zonefile-load: whole"]
        lines += ["    journal-content: none", "    semantic-checks: off"]
    (folder / "knot.conf").write_text("\n".join(lines) + "\n")
    words = [program("knotd"), "-c", str(folder / "knot.conf")]
    with _running(words, Server(host, port), next(iter(zones)), folder / "log") as server:
        yield server
