"""What the state machine makes of recorded connections, and of daemons that misbehave."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from tests.albatross.vectors import Recorded, recorded
from workers.albatross import commands as c
from workers.albatross import replies as r
from workers.albatross.conversation import CHUNK, Conversation
from workers.albatross.errors import ClosedWithoutReply, DecodeError, FrameTooBig, UnknownOutcome
from workers.albatross.failures import CommandFailed, FailureKind
from workers.albatross.framing import frame
from workers.albatross.grammar.envelope import Answer, Header, Request, read_message, write_answer
from workers.albatross.names import ROOT, Name
from workers.albatross.statistics import Statistics, Usage
from workers.albatross.values import NamedPolicy, QuotaPolicy, Settings, UnikernelConfig

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def connections() -> dict[str, list[Recorded]]:
    """Recorded local connections with one command: its request first, then what the daemon sent."""
    found: dict[str, list[Recorded]] = {}
    for row in recorded():
        if row.group == "local" and row.framed and not row.step.startswith("raw-"):
            found.setdefault(f"{row.step}-{row.socket}-{row.connection}", []).append(row)
    return found


def request_of(row: Recorded) -> Request:
    message = read_message(row.body)
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize("rows", [pytest.param(rows, id=key) for key, rows in connections().items()])
def test_recorded_connections(rows: list[Recorded]) -> None:
    request = request_of(rows[0])
    talk = Conversation(request)
    stream = b"".join(row.raw for row in rows if row.direction == "reply")
    messages = [read_message(row.body) for row in rows if row.direction == "reply"]
    refused = any(isinstance(one, Answer) and isinstance(one.reply, r.Failure) for one in messages)
    answers: list[Answer] = []
    if refused:
        with pytest.raises(CommandFailed) as problem:
            feed(talk, stream, answers)
        assert problem.value.kind is not FailureKind.OTHER
        assert problem.value.hint
        return
    feed(talk, stream, answers)
    assert talk.finished
    assert len(answers) == len(messages)
    for answer in answers[1:]:
        if isinstance(answer.reply, r.Measured):
            assert request.header.name in (answer.header.name, ROOT)


def feed(talk: Conversation, stream: bytes, answers: list[Answer]) -> None:
    """In pieces of odd sizes, then the end."""
    pick = random.Random(len(stream))  # noqa: S311 - where to cut
    while stream:
        cut = pick.randint(1, 2000)
        answers += talk.receive(stream[:cut])
        stream = stream[cut:]
    talk.closed()


def answer(request: Request, reply: r.Reply, **header: object) -> bytes:
    return b"".join(frame(write_answer(Answer(_changed(request.header, **header), reply))))


def _changed(header: Header, **header_fields: object) -> Header:
    kept = {"name": header.name, "sequence": header.sequence, "version": header.version}
    return Header(**(kept | header_fields))  # type: ignore[arg-type]


INFO = Request(Header(Name(("alice",))), c.ReadInfo(6))
CONSOLE = Request(Header(Name((), "web")), c.SubscribeConsole(count=20))
DUMP = Request(Header(Name((), "disk")), c.DumpBlock(0))


def test_lists_are_named_in_full() -> None:
    request = Request(Header(Name(("alice",))), c.ReadPolicies())
    policy = QuotaPolicy(1, 32, (0,))
    reply = r.Policies((NamedPolicy(ROOT, policy), NamedPolicy(Name(("dev",)), policy)))
    (found,) = Conversation(request).receive(answer(request, reply))
    assert isinstance(found.reply, r.Policies)
    assert [str(one.name) for one in found.reply.policies] == ["alice:", "alice:dev:"]


@pytest.mark.parametrize(
    ("asked", "sent", "full"),
    [
        ("alice:web", ":web", "alice:web"),
        (":", "alice:web", "alice:web"),
        ("alice:", "dev:db", "alice:dev:db"),
    ],
)
def test_measurements_are_named_in_full(asked: str, sent: str, full: str) -> None:
    request = Request(Header(Name.parse(asked)), c.SubscribeStatistics())
    measured = r.Measured(Statistics(Usage(1, 2)))
    stream = answer(request, r.Said(b"subscribed")) + answer(request, measured, name=Name.parse(sent))
    _, found = Conversation(request).receive(stream)
    assert str(found.header.name) == full


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (answer(INFO, r.Infos(6, ()), sequence=1), "another command"),
        (answer(INFO, r.Infos(6, ()), name=Name(("bob",))), "another command"),
        (answer(INFO, r.Infos(6, ()), version=4), "another version"),
        (answer(INFO, r.Infos(5, ())), "another kind"),
        (answer(INFO, r.Said(b"hello")), "another kind"),
        (answer(INFO, r.BlockEnd()), "another kind"),
        (b"\x00\x00\x00\x02\x05\x00", "tag"),
        (
            b"".join(frame((bytes.fromhex("301a3010020105040800000000000000000c013aa006a304b3020500"),))),
            "command where",
        ),
    ],
)
def test_what_is_no_answer_to_the_command(stream: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        Conversation(INFO).receive(stream)


def test_an_answer_of_tomorrow_is_named() -> None:
    stream = answer(INFO, r.Done()).replace(b"\xa0\x02\x05\x00", b"\xb4\x02\x05\x00")
    with pytest.raises(DecodeError, match=r"unsupported reply \(tag 20\)"):
        Conversation(INFO).receive(stream)


def test_pieces_of_tomorrow_are_skipped() -> None:
    talk = Conversation(CONSOLE)
    line = r.ConsoleLine(NOON, b"hi \xff")
    stream = (
        answer(CONSOLE, r.Said(b"subscribed")) + answer(CONSOLE, r.UnknownData(7)) + answer(CONSOLE, line)
    )
    assert [one.reply for one in talk.receive(stream)] == [r.Said(b"subscribed"), line]
    talk.closed()
    assert talk.finished


def test_a_piece_of_another_stream_is_no_piece() -> None:
    talk = Conversation(CONSOLE)
    talk.receive(answer(CONSOLE, r.Said(b"subscribed")))
    with pytest.raises(DecodeError, match="another kind"):
        talk.receive(answer(CONSOLE, r.BlockPiece(b"x")))


def test_the_name_may_come_back_in_small_letters() -> None:
    request = Request(Header(Name((), "Web")), c.Destroy())
    talk = Conversation(request)
    assert talk.receive(answer(request, r.Said(b"destroyed unikernel"), name=Name((), "web")))
    assert talk.finished


def test_silence_before_an_answer_is_no_success() -> None:
    with pytest.raises(ClosedWithoutReply):
        Conversation(INFO).closed()
    half = Conversation(INFO)
    half.receive(answer(INFO, r.Infos(6, ()))[:10])
    with pytest.raises(UnknownOutcome):
        half.closed()


def test_a_volume_that_ends_early_is_no_volume() -> None:
    talk = Conversation(DUMP)
    talk.receive(answer(DUMP, r.BlockStream(compressed=False)) + answer(DUMP, r.BlockPiece(b"abc")))
    with pytest.raises(DecodeError, match="before the end"):
        talk.closed()
    talk.receive(answer(DUMP, r.BlockEnd()))
    assert talk.finished
    talk.closed()


def test_only_images_may_be_big() -> None:
    announced = (17 << 20).to_bytes(4, "big")
    with pytest.raises(FrameTooBig):
        Conversation(INFO).receive(announced)
    get = Request(Header(Name((), "web")), c.GetImage(3, 0))
    assert Conversation(get).receive(announced) == []
    with pytest.raises(FrameTooBig):
        Conversation(get).receive((2**31 - 1).to_bytes(4, "big"))


def test_a_volume_is_written_as_chunks() -> None:
    request = Request(Header(Name((), "disk")), c.SetBlock(compressed=False))
    contents = [b"a" * (CHUNK + 1), b"bc"]
    command, *chunks = Conversation(request, contents=contents).outgoing()
    stream = b"".join(part for chunk in chunks for part in chunk)
    assert read_message(b"".join(command)[4:]) == request
    sizes = (CHUNK, 1, 2, 0)
    assert stream == b"".join(
        size.to_bytes(4, "big") + body
        for size, body in zip(sizes, (b"a" * CHUNK, b"a", b"bc", b""), strict=True)
    )


def test_inside_tls_only_the_image_is_sent() -> None:
    config = UnikernelConfig(Settings(memory=32), b"\x7fELF")
    request = Request(Header(Name((), "web")), c.Create(5, config))
    talk = Conversation(request, carried=True)
    assert b"".join(b"".join(parts) for parts in talk.outgoing()) == b"\0\0\0\4\x7fELF\0\0\0\0"
    full = answer(request, r.Said(b"created unikernel"), name=Name(("tenant",), "web"), sequence=9)
    assert talk.receive(full)


def test_inside_tls_lists_are_relative_to_the_chains_path() -> None:
    request = Request(Header(ROOT), c.ReadPolicies())
    reply = r.Policies((NamedPolicy(ROOT, QuotaPolicy(1, 32, (0,))),))
    (found,) = Conversation(request, carried=True).receive(answer(request, reply, name=Name(("tenant",))))
    assert isinstance(found.reply, r.Policies)
    assert str(found.reply.policies[0].name) == "tenant:"


def test_the_endpoint_ends_streams_with_a_failure() -> None:
    talk = Conversation(CONSOLE, carried=True)
    stream = answer(CONSOLE, r.Said(b"subscribed")) + answer(
        CONSOLE, r.Failure(b"exception while reading from fd")
    )
    assert len(talk.receive(stream)) == 1
    assert talk.finished
