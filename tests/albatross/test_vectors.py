"""The recorded bytes, both ways."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from tests.albatross.vectors import Recorded, Written, recorded, written
from workers.albatross import commands as c
from workers.albatross import replies as r
from workers.albatross.errors import DecodeError
from workers.albatross.grammar.envelope import (
    Answer,
    Request,
    read_answer,
    read_extension,
    read_message,
    write_answer,
    write_extension,
    write_request,
)
from workers.albatross.values import BlockDevice, NetworkDevice, Settings

REFUSED = {
    "raw-unknown-unikernel-tag/01-request": "unknown tag 22",
    "raw-garbage/01-request": "0x02 where 0x30",
    "raw-zero-length/01-request": "too early",
    "raw-trailing/01-request": "left after",
    "raw-bad-name/01-request": "label 'bad/name'",
    "raw-empty-name/01-request": "cannot be read",
}
"""Frames that the daemon answered by closing the connection."""
NOT_WRITTEN_AGAIN = {
    "2.7.2-restart_args",  # says "no arguments" by an empty list; we leave it out, as albatross-client does
    "2.7.2-d_console_us",  # a time of less than a millisecond, written as .000
    "console-crashy/08-reply",  # the same
}
STEPS_WITH_CHUNKS = {"block-create-data", "block-set", "tls-block-set"}


def is_chunk(row: Recorded) -> bool:
    """A piece of a stream to the host, which is no message."""
    streamed = row.step in STEPS_WITH_CHUNKS or row.step.endswith("-streamed")
    return row.direction == "request" and streamed and not row.body.startswith(b"\x30")


def messages() -> list[Recorded]:
    rows = (row for row in recorded() if row.direction != "certificate-extension" and not is_chunk(row))
    return [row for row in rows if row.name not in REFUSED]


def is_request(row: Recorded) -> bool:
    return isinstance(read_message(row.body), Request)


def again(message: Request | Answer) -> bytes:
    return b"".join(write_request(message) if isinstance(message, Request) else write_answer(message))


def test_nothing_is_left_over() -> None:
    kinds = Counter(
        "extension"
        if row.direction == "certificate-extension"
        else "chunk"
        if is_chunk(row)
        else "refused"
        if row.name in REFUSED
        else "request"
        if is_request(row)
        else "answer"
        for row in recorded()
    )
    assert sum(kinds.values()) == len(recorded()) == 507
    assert kinds["refused"] == 6
    assert kinds["request"] > 110
    assert kinds["answer"] > 270


@pytest.mark.parametrize("row", [row for row in messages() if is_request(row)], ids=lambda row: row.name)
def test_every_recorded_request_is_written_the_same(row: Recorded) -> None:
    message = read_message(row.body, strict=True)
    assert isinstance(message, Request)
    if row.step == "raw-version4":  # a header that no client writes: version 4 with a name of version 5
        assert message.header.version == 4
        return
    ours = again(message)
    if row.step.startswith("raw-") and ours != row.body:
        # The recorder wrote names without the colon in front; ours are always in full.
        short = str(message.header.name).removeprefix(":").encode()
        full = str(message.header.name).encode()
        assert _header_name(row.body) == short
        assert _header_name(ours) == full
        assert read_message(ours) == message
        assert ours.endswith(row.body[row.body.index(short) + len(short) :])
        return
    assert ours == row.body


def _header_name(body: bytes) -> bytes:
    at = body.index(b"\x02\x01") + 3 + 10
    assert body[at] == 0x0C
    return body[at + 2 : at + 2 + body[at + 1]]


@pytest.mark.parametrize("row", [row for row in messages() if not is_request(row)], ids=lambda row: row.name)
def test_every_recorded_answer_is_read(row: Recorded) -> None:
    answer = read_answer(row.body)
    assert not isinstance(answer.reply, r.UnknownSuccess | r.UnknownData)
    assert answer.header.version == 5
    assert read_message(row.body, strict=True) == answer
    if row.name not in NOT_WRITTEN_AGAIN:
        assert again(answer) == row.body


@pytest.mark.parametrize(("name", "reason"), REFUSED.items(), ids=lambda value: value)
def test_what_the_daemon_refused_is_refused(name: str, reason: str) -> None:
    row = next(row for row in recorded() if row.name == name)
    with pytest.raises(DecodeError, match=reason):
        read_message(row.body, strict=True)


@pytest.mark.parametrize(
    "row", [row for row in recorded() if row.direction == "certificate-extension"], ids=lambda row: row.name
)
def test_every_extension_is_written_the_same(row: Recorded) -> None:
    version, command = read_extension(row.body)
    assert b"".join(write_extension(command, version)) == row.body


@pytest.mark.parametrize("row", [row for row in written() if row.kind != "State"], ids=lambda row: row.id)
def test_every_release_wrote_what_we_write(row: Written) -> None:
    if row.kind == "Cert-extension":
        version, command = read_extension(row.body)
        assert b"".join(write_extension(command, version)) == row.body
        return
    message = read_message(row.body, strict=True)
    ours = again(message)
    if row.id in NOT_WRITTEN_AGAIN:
        assert ours != row.body
        assert read_message(ours) == message
    else:
        assert ours == row.body


def test_the_fields_of_a_full_create() -> None:
    row = next(row for row in written() if row.id == "2.7.2-create_full")
    message = read_message(row.body)
    assert isinstance(message, Request)
    command = message.command
    assert isinstance(command, c.Create)
    assert (command.form, command.force, command.config.compressed) == (5, False, False)
    settings = command.config.settings
    assert bytes(command.config.image) == b"\x7fELF"
    assert (settings.startup, settings.add_name, settings.memory, settings.cpus) == (10, True, 256, 1)
    assert settings.restart_on_exit == {2, 255, 300}
    assert settings.cpuids == {0, 1, 130}
    assert settings.blocks == (BlockDevice("b"), BlockDevice("data", "store", 4096))
    mac = bytes.fromhex("008041aabbcc")
    assert settings.networks == (NetworkDevice("management"), NetworkDevice("service", "br0", mac))
    assert settings.arguments == (b"--ipv4=10.0.0.2/24", b"-l *:debug")


def test_secrets_in_arguments_are_in_no_repr() -> None:
    shown = 0
    for row in messages():
        message = read_message(row.body)
        text = repr(message)
        assert "--ticks" not in text
        shown += b"--ticks" in row.body
        assert "7fELF" not in text
    assert shown > 3
    assert [field.name for field in dataclasses.fields(Settings) if not field.repr] == ["arguments"]
