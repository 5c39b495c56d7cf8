"""Messages of canaries: what is in them, how they are known again, and what the Maildir loses."""

from __future__ import annotations

import email
import email.policy
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.canary import Part
from workers.canary import (
    Leg,
    Trial,
    dial_directly,
    forget,
    make_message,
    new_tag,
    read,
    send,
    send_and_wait,
    tag_of,
)
from workers.canary.message import HEADER

pytestmark = pytest.mark.one_database
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MESSAGE = make_message(tag="a" * 40, sender="canary@x.example", recipient="c@y.example", at=NOW)


def test_a_message_is_a_whole_one_and_is_known_again() -> None:
    parsed = email.message_from_bytes(MESSAGE, policy=email.policy.default)
    assert parsed["To"] == "c@y.example"
    assert parsed["Message-ID"] == f"<{'a' * 40}@x.example>"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert not parsed.defects
    assert tag_of(MESSAGE) == "a" * 40
    assert tag_of(b"Received: by somebody\r\n\tfor you\r\n" + MESSAGE) == "a" * 40
    assert tag_of(MESSAGE.replace(b"\r\n", b"\n")) == "a" * 40


def test_only_a_header_counts_and_only_one() -> None:
    line = f"{HEADER}: {'b' * 40}\r\n".encode()
    assert tag_of(b"Subject: x\r\n\r\n" + line) == ""
    assert tag_of(line + MESSAGE) == ""
    assert tag_of(b"X" + line + b"\r\n") == ""


@given(st.binary(max_size=400))
def test_whatever_comes_is_no_canary(raw: bytes) -> None:
    assert tag_of(raw) == ""


def put(folder: Path, name: str, content: bytes, age: timedelta = timedelta()) -> Path:
    path = folder / "new" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    at = (NOW - age).timestamp()
    os.utime(path, (at, at))
    return path


def test_the_maildir_keeps_canaries_for_some_minutes_and_nothing_else(tmp_path: Path) -> None:
    assert read(tmp_path / "missing", NOW) == []
    kept = put(tmp_path, "1", MESSAGE, timedelta(minutes=5))
    old = put(tmp_path, "2", MESSAGE, timedelta(minutes=20))
    other = put(tmp_path, "3", b"Subject: Buy\r\n\r\n" + b"x" * 100_000)
    (tmp_path / "new" / "4").symlink_to("/etc/hostname")
    (found,) = read(tmp_path, NOW)
    assert (found.tag, found.at, found.path) == ("a" * 40, NOW - timedelta(minutes=5), kept)
    assert not old.exists()
    assert not other.exists()
    forget([found, found])
    assert read(tmp_path, NOW) == []


@contextmanager
def server(*answers: bytes) -> Iterator[tuple[tuple[str, int], list[bytes]]]:
    """Says its answers one after the other, each after something was heard; keeps what it heard."""
    listener, heard = socket.create_server(("127.0.0.1", 0)), list[bytes]()

    def talk() -> None:
        plug, _ = listener.accept()
        plug.settimeout(5)
        with plug:
            for number, each in enumerate(answers):
                if number:
                    heard.append(plug.recv(65_536))
                plug.sendall(each)
            plug.recv(65_536)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield listener.getsockname(), heard
    finally:
        thread.join(5)
        listener.close()


def leg(place: tuple[str, int]) -> Leg:
    return Leg([place], "x.example", "", "rookery-canary@x.example", "panel.example")


OK = b"250 ok\r\n"


def test_a_message_is_sent_and_each_part_is_timed() -> None:
    with server(b"220 hi\r\n", OK, OK, OK, b"354 go\r\n", OK) as (place, heard):
        said = send(leg(place), b"Subject: x\r\n\r\n.dot\r\n", dial=dial_directly, seconds=5)
    assert said.failed is None
    assert set(said.took) == {Part.DIAL, Part.BANNER, Part.ACCEPTED}
    assert heard[1:3] == [b"MAIL FROM:<>\r\n", b"RCPT TO:<rookery-canary@x.example>\r\n"]
    assert heard[4] == b"Subject: x\r\n\r\n..dot\r\n.\r\n"


@pytest.mark.parametrize(
    ("answers", "part", "said"),
    [
        ([b"554 go away\r\n"], Part.BANNER, "554 go away"),
        ([b"220 hi\r\n", OK, OK, b"550 nobody\x1b[2J\r\n"], Part.ACCEPTED, "550 nobody"),
        ([b"220 hi\r\n", OK, OK, OK, b"354 go\r\n", b"451 full\r\n"], Part.ACCEPTED, "451 full"),
        ([b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"454 no\r\n"], Part.TLS, "454 no"),
    ],
)
def test_a_refusal_says_at_which_part_it_was(answers: list[bytes], part: Part, said: str) -> None:
    with server(*answers) as (place, _):
        found = send(leg(place), MESSAGE, dial=dial_directly, seconds=5)
    assert found.failed is part
    assert said in found.problem
    assert found.problem.isprintable()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        place = closed.getsockname()
    found = send(leg(place), MESSAGE, dial=dial_directly, seconds=5)
    assert (found.failed, found.took) == (Part.DIAL, {})
    assert "no address" in send(Leg([], "x", "", "y@z"), MESSAGE, dial=dial_directly).problem
    assert "hush" not in repr(Leg([], "x", "", "y", secret="hush"))


def test_a_trial_waits_for_its_own_message(tmp_path: Path) -> None:
    answers = [b"220 hi\r\n", OK, OK, OK, b"354 go\r\n", OK]
    put(tmp_path, "other", make_message(tag=new_tag(), sender="a@b.example", recipient="c@d.example", at=NOW))
    with server(*answers) as (place, _):
        lost = send_and_wait(Trial(leg(place), tmp_path), seconds=0.3)
    assert lost.failed is Part.ARRIVED
    with server(*answers) as (place, _):
        assert send_and_wait(Trial(leg(place), None), seconds=3).accepted
