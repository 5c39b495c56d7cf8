from __future__ import annotations

import pytest

from tests.albatross.vectors import recorded
from workers.albatross.failures import CommandFailed, FailureKind, kind_of
from workers.albatross.grammar.envelope import Answer, read_message
from workers.albatross.replies import Failure

K = FailureKind
WORDS = [
    (K.EXISTS, "Unikernel with same name is already running"),
    (K.EXISTS, "VM with same name is already running"),
    (K.EXISTS, "unikernel with same name already exists"),
    (K.EXISTS, "block device with same name already exists"),
    (K.EXISTS, "block device with name :disk1 already exists"),
    (K.NOT_FOUND, "destroy: not found"),
    (K.NOT_FOUND, "get: no unikernel found"),
    (K.NOT_FOUND, "unknown unikernel"),
    (K.NOT_FOUND, "unknown policy"),
    (K.NOT_FOUND, "remove block: not found"),
    (K.NOT_FOUND, "block device :disk not found"),
    (K.IN_USE, "block device :disk1 already in use"),
    (K.IN_USE, "dump block: is in use"),
    (K.OVER_QUOTA, "maximum amount of unikernels (4) reached"),
    (K.OVER_QUOTA, "maximum allowed memory (256, used 200) would be exceeded (requesting 100)"),
    (K.OVER_QUOTA, "CPUids 7 are not allowed by policy"),
    (K.OVER_QUOTA, "CPUid is not allowed by policy"),
    (K.OVER_QUOTA, "bridges other not allowed by policy"),
    (K.OVER_QUOTA, "no block devices are allowed by policy"),
    (
        K.OVER_QUOTA,
        "block device policy limit of 100 MB (used 2 MB) would be exceeded by the request (500 MB)",
    ),
    (K.QUOTA_IMPOSSIBLE, "policy above allows 256 MB memory, which is fewer than 1024 MB"),
    (K.QUOTA_IMPOSSIBLE, "policy above allows bridge(s) service, which is not a superset of other"),
    (K.QUOTA_IMPOSSIBLE, "policy above does not allow CPUids 3"),
    (K.QUOTA_IMPOSSIBLE, "policy does not allow CPUids 3"),
    (K.QUOTA_IMPOSSIBLE, "unikernel would exceed running unikernel limit set by policy to 1, running 2"),
    (K.DEVICES, "specified bridge(s) does not match with the manifest. Got service, wants: none"),
    (K.DEVICES, "specified block device(s) does not match with manifest. Got a, wants b"),
    (K.IMAGE, "error during ELF parsing"),
    (K.IMAGE, "failed to uncompress: Invalid Zlib header"),
    (K.IMAGE, "unsupported solo5 target virtio"),
    (K.HOST, "tender does not exist, looked for /var/lib/albatross/solo5-hvt.2, solo5-hvt.2"),
    (K.HOST, "unexpected solo5 tender --version output, expected one line with ABI version 2"),
    (K.HOST, "interface br7 does not exist"),
    (K.CONSOLE_LOST, "could not create unikernel: console failed"),
    (K.CONSOLE_LOST, "could not create unikernel: console failed, and also X while cleaning resources"),
    (K.WRONG_DAEMON, "unknown command"),
    (K.WRONG_DAEMON, "unexpected command"),
    (K.VOLUME, "overflow while computing bytes"),
    (K.VOLUME, "data exceeds block size"),
    (K.VOLUME, "stream exceeds size"),
    (K.VOLUME, "error writing to file descriptor"),
    (K.VOLUME, "error opening block device"),
    (K.VOLUME, "error while reading stream"),
    (K.ENDPOINT, "couldn't reach service"),
    (K.ENDPOINT, "error reading from fd"),
    (K.ENDPOINT, "expected success when adding policy, got: something"),
    (K.OTHER, "something that no release said yet"),
]


@pytest.mark.parametrize(("kind", "words"), WORDS)
def test_what_refusals_mean(kind: FailureKind, words: str) -> None:
    assert kind_of(words) is kind


def test_recorded_refusals_are_all_understood() -> None:
    seen = set()
    for row in recorded():
        if row.direction == "reply" and row.framed and row.body.startswith(b"\x30"):
            message = read_message(row.body)
            if isinstance(message, Answer) and isinstance(message.reply, Failure):
                problem = CommandFailed(message.reply.text)
                assert problem.hint
                seen.add(problem.kind)
    assert len(seen) >= 8
    assert K.OTHER not in seen


def test_words_from_outside_are_printable_and_bounded() -> None:
    problem = CommandFailed(b"\x1b[31mno\xff" * 1000)
    assert problem.words.isprintable()
    assert len(problem.words) < 10_000
