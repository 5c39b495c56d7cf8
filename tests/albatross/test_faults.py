"""Daemons that are away, silent, broken or lying; all on real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workers.albatross import (
    AlbatrossError,
    Client,
    ClosedWithoutReply,
    DecodeError,
    LocalDialer,
    Name,
    NotPermitted,
    Release,
    Timeouts,
    UnknownOutcome,
    Unreachable,
    dialect_of,
    find_release,
)
from workers.albatross.framing import frame
from workers.albatross.grammar.envelope import Answer, Header, write_answer
from workers.albatross.replies import Infos, Said
from workers.albatross.values import Settings, UnikernelConfig

IMPATIENT = Timeouts(connect=0.5, read=0.2, change=0.2, transfer=0.5)
WEB = Name((), "web")
CONFIG = UnikernelConfig(Settings(memory=32), b"\x7fELF" + bytes(3_000_000))


@contextmanager
def daemon(
    folder: Path, behave: Callable[[socket.socket], None], service: str = "vmmd"
) -> Iterator[list[int]]:
    """Listens and lets `behave` serve each connection; yields a list that has one item per connection."""
    (folder / "util").mkdir(exist_ok=True)
    served: list[int] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(folder / "util" / f"{service}.sock"))
        listening.listen(8)
        listening.settimeout(5)

        def serve() -> None:
            while True:
                try:
                    connected, _ = listening.accept()
                except OSError:
                    return
                served.append(1)
                with connected:
                    connected.settimeout(2)
                    try:
                        behave(connected)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield served
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def client(folder: Path, timeouts: Timeouts = IMPATIENT) -> Client:
    return Client(LocalDialer(folder), dialect_of(Release(2, 7, 2)), timeouts)


def answered(
    reply: Said | Infos, name: Name = WEB, cut: int | None = None
) -> Callable[[socket.socket], None]:
    """Reads some of the command, then sends (a part of) an answer."""
    message = b"".join(frame(write_answer(Answer(Header(name), reply))))

    def behave(connected: socket.socket) -> None:
        connected.recv(65_536)
        connected.sendall(message[:cut])

    return behave


def silent(connected: socket.socket) -> None:
    while connected.recv(65_536):
        pass


def deaf(connected: socket.socket) -> None:
    time.sleep(0.6)


def announcing(connected: socket.socket) -> None:
    connected.recv(65_536)
    connected.sendall(b"\x7f\xff\xff\xff\x30")


def rude(connected: socket.socket) -> None:
    connected.recv(65_536)


def chatty(connected: socket.socket) -> None:
    connected.recv(65_536)
    connected.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def dripping(connected: socket.socket) -> None:
    connected.recv(65_536)
    connected.sendall(b"\x00\x00\x40\x00")
    for _ in range(30):
        connected.sendall(b"\x30")
        time.sleep(0.03)


@pytest.mark.parametrize(
    ("behave", "reading", "changing"),
    [
        pytest.param(silent, Unreachable, UnknownOutcome, id="silent"),
        pytest.param(deaf, Unreachable, UnknownOutcome, id="deaf"),
        pytest.param(dripping, Unreachable, UnknownOutcome, id="a byte now and then"),
        pytest.param(rude, ClosedWithoutReply, UnknownOutcome, id="closes, the image half read"),
        pytest.param(announcing, DecodeError, DecodeError, id="2 GB announced"),
        pytest.param(chatty, DecodeError, DecodeError, id="another protocol"),
        pytest.param(answered(Said(b"created"), cut=9), UnknownOutcome, UnknownOutcome, id="half a reply"),
        pytest.param(answered(Said(b"x"), Name((), "other")), DecodeError, DecodeError, id="to another"),
    ],
)
def test_what_a_broken_daemon_means(
    tmp_path: Path,
    behave: Callable[[socket.socket], None],
    reading: type[AlbatrossError],
    changing: type[AlbatrossError],
) -> None:
    began = time.monotonic()
    with daemon(tmp_path, behave) as served:
        with pytest.raises(AlbatrossError) as problem:
            client(tmp_path).unikernels(WEB)
        assert isinstance(problem.value, reading)
        assert problem.value.hint
        with pytest.raises(AlbatrossError) as problem:
            client(tmp_path).create(WEB, CONFIG)
        assert isinstance(problem.value, changing)
        assert problem.value.hint
    assert len(served) <= 2  # nothing is ever sent twice
    assert time.monotonic() - began < 8


def test_a_daemon_that_is_away(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"vmmd\.sock"):
        client(tmp_path).create(WEB, CONFIG)
    (tmp_path / "util").mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "util" / "vmmd.sock"))
    with pytest.raises(Unreachable, match="refused") as problem:
        client(tmp_path).create(WEB, CONFIG)
    assert "systemctl" in problem.value.hint


def test_a_socket_that_is_not_for_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidden(socket.socket):
        def connect(self, address: object) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", Forbidden)
    with pytest.raises(NotPermitted) as problem:
        client(tmp_path).unikernels()
    assert "group albatross" in problem.value.hint


def test_a_release_is_not_guessed_from_silence(tmp_path: Path) -> None:
    with daemon(tmp_path, silent) as served, pytest.raises(Unreachable):
        find_release(LocalDialer(tmp_path), IMPATIENT)
    assert len(served) == 1


def test_what_is_no_albatross_has_no_release(tmp_path: Path) -> None:
    with daemon(tmp_path, rude) as served, pytest.raises(ClosedWithoutReply):
        find_release(LocalDialer(tmp_path), IMPATIENT)
    assert len(served) == 6
    with daemon_again(tmp_path, chatty), pytest.raises(DecodeError):
        find_release(LocalDialer(tmp_path), IMPATIENT)


@contextmanager
def daemon_again(folder: Path, behave: Callable[[socket.socket], None]) -> Iterator[None]:
    (folder / "util" / "vmmd.sock").unlink()
    with daemon(folder, behave):
        yield


def test_an_answer_that_came_before_the_command_was_read(tmp_path: Path) -> None:
    def early(connected: socket.socket) -> None:
        connected.recv(100)
        connected.sendall(b"".join(frame(write_answer(Answer(Header(WEB), Said(b"created unikernel"))))))
        connected.shutdown(socket.SHUT_RDWR)

    with daemon(tmp_path, early):
        client(tmp_path, Timeouts(change=5)).create(WEB, CONFIG)
