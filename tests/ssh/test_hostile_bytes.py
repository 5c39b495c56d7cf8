"""Whatever a host sends instead of git's or SSH's bytes raises one of our errors, within bounds."""

from __future__ import annotations

import io
import shlex
import socket
import threading
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenants.formats.sshkeys import new_ssh_key
from workers import ssh
from workers.repository import LostRace, PushRefused, Refs, RemoteRepository, RepositoryError
from workers.repository.pktline import LONGEST, pkt, read_lines, read_pkt
from workers.repository.push import _judge
from workers.repository.remote import read_advertisement

PRIVATE, PUBLIC = new_ssh_key("test")
ENDPOINT = ssh.SshEndpoint("127.0.0.1", 22, "git", PRIVATE, PUBLIC, connect_timeout=0.3, timeout=0.3)
REMOTE = RemoteRepository(ENDPOINT, "relay.git", "main")
TIP, OTHER = "1" * 40, "2" * 40
EXPECTED = (RepositoryError, ssh.SshError)


class Stream:
    """A channel that says `content` and then ends, after it complained on stderr."""

    def __init__(self, content: bytes, said: str = "") -> None:
        self._content, self._said, self.asked = io.BytesIO(content), said, 0

    def read_exactly(self, size: int) -> bytes:
        self.asked = max(self.asked, size)
        found = self._content.read(size)
        if len(found) < size:
            raise ssh.Unreachable("the connection ended in the middle of an answer")
        return found

    def status(self, timeout: float) -> int:
        return 0

    def stderr(self) -> str:
        return self._said


def advertised(content: bytes, said: str = "") -> Refs:
    stream = Stream(content, said)
    try:
        return read_advertisement(stream, REMOTE)  # type: ignore[arg-type]
    finally:
        assert stream.asked <= LONGEST


heads = st.sampled_from(
    [b"0000", b"0001", b"0003", b"0004", b"fff0", b"fff1", b"ffff", b"-001", b"0x10", b"+0a0"]
)
lines = st.binary(max_size=80).map(pkt)
ids = st.sampled_from([TIP, OTHER, "0" * 40, "g" * 40, "1" * 39, "1" * 64, ""])
names = st.sampled_from(
    [
        "refs/heads/main",
        "refs/heads/",
        "HEAD",
        "capabilities^{}",
        "refs/heads/\x1b[31m",
        "refs/heads/a\u202eb",
    ]
)
refs = st.builds(
    lambda one, name, words: pkt(f"{one} {name}{words}\n".encode()),
    ids,
    names,
    st.sampled_from(
        ["", "\0report-status", "\0object-format=sha256", "\0object-format=sha1 no-thin", "\0\0\0"]
    ),
)
hostile = st.lists(st.one_of(heads, lines, refs, st.binary(max_size=20)), max_size=12).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(hostile, st.sampled_from(["", "fatal: no such repository"]))
@example(pkt(f"{TIP} refs/heads/main\0report-status\n".encode()) + b"0000", "")
def test_an_advertisement_is_read_or_refused(content: bytes, said: str) -> None:
    try:
        found = advertised(content, said)
    except EXPECTED as error:
        refusal = str(error)
    else:
        refusal = ""
        check(found)
    assert refusal.isprintable()


def check(found: Refs) -> None:
    assert found.tip in {None, TIP, OTHER, "0" * 40}
    assert all(name.isprintable() for name in found.branches)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_a_line_that_is_too_long(content: bytes) -> None:
    stream = Stream(content)
    with suppress(*EXPECTED):
        while (line := read_pkt(stream)) is not None:
            assert len(line) <= LONGEST - 4
    assert stream.asked <= LONGEST


def test_every_prefix_of_a_good_answer_is_no_answer() -> None:
    good = pkt(f"{TIP} refs/heads/main\0report-status object-format=sha1\n".encode()) + b"0000"
    assert advertised(good) == Refs(TIP, ("main",), frozenset({"report-status", "object-format=sha1"}))
    for length in range(len(good)):
        with pytest.raises(EXPECTED):
            advertised(good[:length])


def test_a_list_without_end_is_refused() -> None:
    class Endless(Stream):
        def read_exactly(self, size: int) -> bytes:
            return b"0005" if size == 4 else b"x"

    with pytest.raises(RepositoryError, match="more than 7"):
        list(read_lines(Endless(b""), at_most=7))


report_lines = st.one_of(
    st.sampled_from(
        [
            b"unpack ok",
            b"unpack index-pack abnormal exit",
            b"ok refs/heads/main",
            b"ok refs/heads/other",
            b"ng refs/heads/main non-fast-forward",
            b"ng refs/heads/main hook declined \x1b[2J",
            b"",
            b"\xff\xfe",
        ]
    ),
    st.binary(max_size=30),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(report_lines, max_size=6))
def test_only_a_clear_yes_is_a_yes(report: list[bytes]) -> None:
    """A push counts only if the pack was unpacked and our branch was moved, by the last word on each."""
    refusal = ""
    try:
        _judge(report, REMOTE, Stream(b""))  # type: ignore[arg-type]
    except (LostRace, PushRefused) as error:
        refusal = str(error)
    assert refusal.isprintable()
    last = {line.split(b" ")[0]: line for line in report}
    said_yes = last.get(b"unpack") == b"unpack ok" and b"ok refs/heads/main" in report
    assert refusal or said_yes


@pytest.mark.parametrize(
    "path", ["relay.git", "~/relay.git", "/srv/git/a b.git", "it's.git", "wow!.git", "a\\b", "$(x)"]
)
def test_a_path_is_quoted_as_git_shell_demands(path: str) -> None:
    command = RemoteRepository(ENDPOINT, path, "main").command("git-upload-pack")
    program, _, quoted = command.partition(" ")
    assert program == "git-upload-pack"
    assert quoted.startswith("'")
    assert quoted.endswith("'")
    assert shlex.split(command) == ["git-upload-pack", path]


class Lenient(socket.socket):
    """A unix socket that lets options of TCP be set."""

    def setsockopt(self, *_: object) -> None:  # type: ignore[override]
        return


greetings = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=100).map(lambda rest: b"SSH-2.0-x\r\n" + rest),
    st.binary(max_size=60).map(lambda rest: b"SSH-2.0-x\r\n\x00\x00\x00\x2c\x0a\x14" + rest),
    st.integers(1, 50).map(lambda count: b"hello\r\n" * count),
    st.just(b"SSH-1.5-old\r\n"),
    st.just(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
)


@settings(max_examples=25, deadline=None)
@given(greetings)
def test_a_server_that_is_no_ssh_server_is_unreachable(content: bytes) -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(content)
    theirs.shutdown(socket.SHUT_WR)

    def dial(host: str, port: int, timeout: float) -> socket.socket:
        return Lenient(fileno=ours.detach())

    with theirs, pytest.raises(ssh.SshError) as refused:
        ssh.connect(ENDPOINT, dialer=dial)
    assert str(refused.value).isprintable()
    for thread in threading.enumerate():
        if thread.name.startswith("paramiko") or "Transport" in type(thread).__name__:
            thread.join(5)
