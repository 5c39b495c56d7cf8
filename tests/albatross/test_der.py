from __future__ import annotations

import time
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.albatross import der_write as der
from workers.albatross.commands import Create
from workers.albatross.der_read import Element, Fields, Reading, read_one
from workers.albatross.errors import DecodeError, NotSendable
from workers.albatross.grammar.envelope import Header, Request, read_message, write_request
from workers.albatross.grammar.names import read_name
from workers.albatross.names import Name
from workers.albatross.times import read_time, write_time, write_utc_time
from workers.albatross.values import Settings, UnikernelConfig

MEBIBYTE = 1 << 20


def one(message: bytes, *, strict: bool = False) -> Element:
    return read_one(message, Reading(strict=strict))


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "020100"),
        (127, "02017f"),
        (128, "02020080"),
        (255, "020200ff"),
        (256, "02020100"),
        (-1, "0201ff"),
        (-128, "020180"),
        (-129, "0202ff7f"),
        (2**62 - 1, "02083fffffffffffffff"),
        (-(2**62), "0208c000000000000000"),
    ],
)
def test_integers(value: int, encoded: str) -> None:
    assert b"".join(der.integer(value)).hex() == encoded
    assert one(bytes.fromhex(encoded)).integer() == value


@pytest.mark.parametrize("value", [2**62, -(2**62) - 1, 2**64])
def test_no_integer_beyond_ocamls_is_written(value: int) -> None:
    with pytest.raises(NotSendable):
        der.integer(value)


@given(st.integers(-(2**62), 2**62 - 1))
def test_every_integer_survives(value: int) -> None:
    encoded = b"".join(der.integer(value))
    assert one(encoded).integer() == value
    assert len(encoded) == 2 or encoded[2:4] not in (b"\x00\x00", b"\xff\xff")


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_int64_survives(value: int) -> None:
    assert one(b"".join(der.int64(value))).int64() == value


@pytest.mark.parametrize(
    "size", [0, 1, 127, 128, 255, 256, 65_535, 65_536, der.LARGE - 1, der.LARGE, 1 << 24]
)
def test_lengths_are_shortest_and_survive(size: int) -> None:
    encoded = b"".join(der.octets(bytes(size)))
    assert len(one(encoded).octets()) == size
    head = len(encoded) - size
    assert head == 2 + (0 if size < 128 else (size.bit_length() + 7) // 8)


def test_sets_are_sorted_by_their_bytes() -> None:
    encoded = b"".join(der.set_of(map(der.integer, (300, 2, 255))))
    assert encoded.hex() == "310b" + "020102" + "020200ff" + "0202012c"


@pytest.mark.parametrize(
    "message",
    [
        "",
        "30",
        "3080",  # indefinite length
        "30800000",
        "30ff",
        "3089010101010101010101",
        "30847fffffff",  # 2 GiB announced
        "3088ffffffffffffffff",
        "1f",
        "1fffffffffff00",  # a tag number without end
        "0200",
        "0209000000000000000001",
        "02087fffffffffffffff",
    ],
)
def test_what_is_no_der_of_albatross_is_refused(message: str) -> None:
    with pytest.raises(DecodeError):
        one(bytes.fromhex(message)).integer()


def test_lengths_need_not_be_shortest() -> None:
    assert one(bytes.fromhex("02830000017f")).integer() == 127


def test_only_the_strict_reader_minds_what_is_left() -> None:
    assert one(bytes.fromhex("02010700")).integer() == 7
    with pytest.raises(DecodeError, match="left"):
        one(bytes.fromhex("02010700"), strict=True)


def test_any_octet_but_zero_is_true() -> None:
    assert [one(bytes((1, 1, octet))).boolean() for octet in (0, 1, 255)] == [False, True, True]


def test_values_are_counted() -> None:
    message = b"".join(der.sequence_of([der.NULL] * 100))
    fields = Fields(memoryview(message), Reading(at_most=50))
    with pytest.raises(DecodeError, match="more values"):
        fields.take().many(Element.null)


def test_a_message_of_a_million_names_is_given_up_early() -> None:
    names = der.tlv(der.SEQUENCE, (b"\x0c\x02:a" * 1_000_000,))
    header = der.sequence(der.integer(5), der.octets(bytes(8)), der.text(":"))
    message = b"".join(der.sequence(header, der.context(1, der.context(12, names))))
    began = time.process_time()
    with pytest.raises(DecodeError, match="more values"):
        read_message(message)
    assert time.process_time() - began < 10


def test_what_is_read_takes_little_more_than_its_bytes() -> None:
    names = b"".join(der.tlv(der.SEQUENCE, (b"\x0c\x02:a" * 20_000,)))
    tracemalloc.start()
    assert len(one(names).many(read_name)) == 20_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * 20_000


def test_nesting_does_not_reach_pythons_stack() -> None:
    message = b""
    for _ in range(2_000):
        message = b"".join(der.tlv(der.SEQUENCE, (message,)))
    with pytest.raises(DecodeError):
        read_message(message)


NOON = datetime(2026, 11, 21, 12, 0, 0, 0, UTC)


@pytest.mark.parametrize(
    ("encoded", "moment"),
    [
        (b"20261121120000Z", NOON),
        (b"20261121120000.000Z", NOON),
        (b"20261121120000.120Z", NOON.replace(microsecond=120_000)),
        (b"20261121120000.5Z", NOON.replace(microsecond=500_000)),
        (b"20261121120000.123456789Z", NOON.replace(microsecond=123_456)),
        (b"20261121120060Z", NOON.replace(second=59, microsecond=999_999)),
    ],
)
def test_times_with_any_number_of_digits(encoded: bytes, moment: datetime) -> None:
    assert read_time(one(b"\x18" + bytes((len(encoded),)) + encoded)) == moment


@pytest.mark.parametrize(
    ("encoded", "year"), [(b"491231235959Z", 2049), (b"500101000000Z", 1950), (b"261121120000Z", 2026)]
)
def test_years_of_two_digits(encoded: bytes, year: int) -> None:
    assert read_time(one(b"\x17\x0d" + encoded)).year == year


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"Z",
        b"20261121120000",
        b"20261321120000Z",
        b"20261121250000Z",
        b"00001121120000Z",
        b"2026112112000Z",
        b"20261121120000+0100",
        b"20261121120000.Z",
        b"20261121120000.1234567890123456789Z",
        b"\xff" * 15,
    ],
)
def test_what_is_no_time_is_refused(encoded: bytes) -> None:
    with pytest.raises(DecodeError):
        read_time(one(b"\x18" + bytes((len(encoded),)) + encoded))


def test_times_are_written_with_none_or_three_digits() -> None:
    def text(moment: datetime) -> bytes:
        return b"".join(write_time(moment))[2:]

    assert text(NOON) == b"20261121120000Z"
    assert text(NOON.replace(microsecond=120_000)) == b"20261121120000.120Z"
    assert text(NOON.replace(microsecond=999)) == b"20261121120000.000Z"
    assert text(NOON.astimezone(timezone(timedelta(hours=5)))) == b"20261121120000Z"
    assert b"".join(write_utc_time(NOON))[2:] == b"261121120000Z"
    for bad in (NOON.replace(tzinfo=None), NOON.replace(year=2050)):
        with pytest.raises(NotSendable):
            write_utc_time(bad)


def big_create(image: bytes | memoryview) -> Request:
    config = UnikernelConfig(Settings(memory=32), image)
    return Request(Header(Name((), "big")), Create(5, config))


def test_an_image_is_never_copied() -> None:
    image = bytes(10 * MEBIBYTE)
    tracemalloc.start()
    parts = write_request(big_create(image))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000
    assert [part is image for part in parts] == [False, True, False]
    assert b"".join(parts) == b"".join(write_request(big_create(memoryview(image))))


def test_reading_an_image_does_not_copy_it() -> None:
    message = b"".join(write_request(big_create(bytes(10 * MEBIBYTE))))
    tracemalloc.start()
    read = read_message(message)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000
    assert isinstance(read, Request)
    assert isinstance(read.command, Create)
    assert len(read.command.config.image) == 10 * MEBIBYTE
