"""The stand-in, fed with every recorded frame in the recorded order, answers as albatross 2.7.2 did."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tenants.formats.solo5_image import ManifestDevice, Solo5Image
from tests.albatross.raw_client import RawClient
from tests.albatross.vectors import Recorded, recorded
from workers.albatross import replies as r
from workers.albatross.grammar.envelope import Answer, read_answer
from workers.albatross.names import Name
from workers.albatross.releases import Release
from workers.albatross.values import Buffer
from workers.sandbox.albatross.host import AlbatrossHost
from workers.sandbox.albatross.images import Inspected, inspector
from workers.sandbox.albatross.programs import Launch, boot, ticking

CUT = b"\x7fELF"
"""What the recording has in place of an image."""
NET = ("service0", "network")
STORAGE = ("storage", "block")
DEVICES = {
    "alice:br": NET,
    ":brmissing": NET,
    "alice:net": NET,
    ":net2": NET,
    ":mft": NET,
    ":blkmissing": STORAGE,
    ":blk": STORAGE,
    ":withblk": STORAGE,
    ":withblk2": STORAGE,
}
"""Which device the images had whose bytes are not in the recording, by the name of the unikernel."""
EXITING = ("blk", "hello", "exit64")


class Images:
    """Knows by the name of the unikernel at hand what its cut image said."""

    def __init__(self) -> None:
        self.name = ":"
        self._real = inspector(("solo5-hvt.2",))

    def __call__(self, data: Buffer, compressed: bool) -> Inspected:
        if bytes(data) != CUT:
            return self._real(data, compressed)
        device = DEVICES.get(self.name)
        devices = (ManifestDevice(*device),) if device else ()  # type: ignore[arg-type]
        return Inspected(Solo5Image("hvt", 2, "x86_64", devices), bytes(32))


def program(launch: Launch) -> Iterator[float | bytes | int]:
    if launch.name.label in ("blk", "hello"):
        yield from boot(launch)
        yield b"**** Solo5 standalone test ****\nHello, World\nCommand line is: ''\nSUCCESS\n"
        yield b"Solo5: solo5_exit(0) called\n"
        yield 0
    else:
        yield from ticking(launch)


def masked(reply: r.Reply) -> r.Reply:
    """Without what differs between two hosts or two times."""
    match reply:
        case r.Infos():
            noon = datetime(2026, 1, 1, tzinfo=UTC)
            infos = tuple(replace(one, digest=b"", started=noon) for one in reply.unikernels)
            return replace(reply, unikernels=infos)
        case r.Image():
            return replace(reply, data=b"")
        case _:
            return reply


def connections() -> Iterator[tuple[str, list[Recorded]]]:
    local = (row for row in recorded() if row.group == "local")
    for key, rows in itertools.groupby(local, key=lambda row: (row.step, row.socket, row.connection)):
        yield key[0], list(rows)


def expected(rows: list[Recorded]) -> list[Answer]:
    return [read_answer(row.body) for row in rows if row.direction == "reply"]


def settle(host: AlbatrossHost) -> None:
    """Wait until what exits by itself has exited."""
    for _ in range(200):
        if not any(name.label in EXITING for name in host.daemon.unikernels):
            return
        time.sleep(0.01)
    raise AssertionError("a unikernel that should exit did not")


def test_every_recorded_frame_has_the_recorded_reaction(tmp_path: Path) -> None:
    images = Images()
    host = AlbatrossHost(
        tmp_path, Release(2, 7, 2), inspect=images, program=program, pace=0.01, interval=0.05
    )
    compared = 0
    with host:
        for step, rows in connections():
            settle(host)
            requests, wanted = [row for row in rows if row.direction == "request"], expected(rows)
            images.name = str(wanted[0].header.name) if wanted else ":"
            with RawClient(tmp_path, rows[0].socket) as client:
                client.send(row.raw for row in requests)
                for answer in wanted:
                    found = client.answer()
                    assert found is not None, step
                    if isinstance(answer.reply, r.BlockPiece):
                        break  # how a volume is cut into pieces is the daemon's own matter
                    if isinstance(answer.reply, r.ConsoleLine | r.Measured):
                        assert type(found.reply) is type(answer.reply), step
                        assert found.header == answer.header, step
                        continue
                    assert masked(found.reply) == masked(answer.reply), step
                    assert found.header == answer.header, step
                    compared += 1
                if not wanted:
                    assert client.answer() is None, step
    assert compared > 100
    assert host.deaths == []
    assert Name((), "after") not in host.daemon.unikernels
