"""TSIG keys: what a name permits, what the primary takes from a file, what is never written."""

from __future__ import annotations

import base64
import pickle
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.formats.text import FormatError
from tenants.formats.zones.keyfile import (
    ALGORITHMS,
    KeyFile,
    Right,
    TsigKey,
    addresses_of,
    emit_keys,
    key_file_name,
    read_keys,
    scope_of,
)
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.primary.dialect import DIALECTS
from tenants.formats.zones.primary.errors import UnreadableError
from tests.zones.examples import ORIGIN

SECRET = base64.b64encode(bytes(range(32))).decode()


def key(name: str, secret: str = SECRET, algorithm: str = "SHA256") -> TsigKey:
    return TsigKey(Name.of(name), algorithm, secret)


def read(*lines: str) -> KeyFile:
    return read_keys("".join(f"{line}\n" for line in lines).encode(), ORIGIN)


@pytest.mark.parametrize(
    ("name", "right", "zone"),
    [
        ("personal._update.example.org", Right.UPDATE, "example.org"),
        ("a.b._update.example.org", Right.UPDATE, "example.org"),
        ("_Update.example.org", Right.UPDATE, "example.org"),
        ("panel._update", Right.UPDATE, ""),
        ("1.2.3.4.9.8.7.6._transfer.example.org", Right.TRANSFER, "example.org"),
        ("x._notify.sub.example.org", Right.NOTIFY, "sub.example.org"),
        ("_update._notify.example.org", Right.NOTIFY, "example.org"),  # the right-most decides
        ("_update.x._transfer.example.org", Right.TRANSFER, "example.org"),
    ],
)
def test_the_right_most_label_is_the_right(name: str, right: Right, zone: str) -> None:
    assert scope_of(Name.of(name)) == (right, Name.of(zone))


@pytest.mark.parametrize("name", ["", "example.org", "a._key-management.example.org", "update.example.org"])
def test_names_that_give_no_right(name: str) -> None:
    assert scope_of(Name.of(name)) is None


@pytest.mark.parametrize(
    ("name", "primary", "secondary"),
    [
        ("1.2.3.4.9.8.7.6._transfer.example.org", "1.2.3.4", "9.8.7.6"),
        ("x.1.2.3.4._transfer.example.org", "1.2.3.4", None),
        ("1.2.3.4.9.8.7.256._transfer.example.org", None, None),
        ("1.2.3.4.9.8.7.6._update.example.org", None, None),
        ("a._transfer.example.org", None, None),
    ],
)
def test_addresses_inside_transfer_keys(name: str, primary: str | None, secondary: str | None) -> None:
    expected = tuple(IPv4Address(text) if text else None for text in (primary, secondary))
    assert addresses_of(Name.of(name)) == expected


def test_file_names() -> None:
    assert key_file_name(Name.of("X25519.net")) == "x25519.net._keys"
    assert key_file_name(ROOT) == "_keys"


def test_a_line_is_as_the_primary_wants_it() -> None:
    assert emit_keys(ORIGIN, [key("personal._update.example.org")]) == (
        f"personal._update.example.org. DNSKEY 0 3 163 {SECRET}\n".encode()
    )


_labels = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]", fullmatch=True)
_keys = st.lists(
    st.builds(
        lambda label, right, algorithm, secret: TsigKey(
            Name.of(f"{label}.{right.value}.example.org"), algorithm, base64.b64encode(secret).decode()
        ),
        _labels,
        st.sampled_from(Right),
        st.sampled_from(sorted(ALGORITHMS.values())),
        st.binary(min_size=16, max_size=64),
    ),
    unique_by=lambda one: one.name,
    max_size=5,
)


@given(_keys)
@settings(deadline=None)
def test_keys_are_read_back_by_both_generations(keys: list[TsigKey]) -> None:
    for zone in (ORIGIN, ROOT):
        for dialect in DIALECTS:
            found = read_keys(emit_keys(zone, keys), zone, dialect) if keys else KeyFile(())
            assert set(found.keys) == set(keys)
            assert found.ignored == ()


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (key("x.example.org"), "name"),
        (key("x._update.example.net"), "name"),
        (key("x._update"), "name"),
        (key("a b._update.example.org"), "name"),
        (key("1.m._update.example.org"), "name"),
        (key("x._update.example.org", algorithm="MD5"), "algorithm"),
        (key("x._update.example.org", secret="c2hvcnQ="), "secret"),
        (key("x._update.example.org", secret="no base64 at all!"), "secret"),
        (key("x._update.example.org", secret=f"{SECRET[:20]} {SECRET[20:]}"), "secret"),
        (key("x._update.example.org", secret=f"{SECRET}\n"), "secret"),
    ],
)
def test_keys_that_would_be_ignored_or_spoil_the_file_are_not_written(made: TsigKey, field: str) -> None:
    with pytest.raises(FormatError) as caught:
        emit_keys(ORIGIN, [key("good._update.example.org"), made])
    assert caught.value.field == field
    assert caught.value.fix
    assert SECRET[:12] not in str(caught.value)
    assert made.secret not in str(caught.value)


def test_two_keys_of_one_name_are_not_written() -> None:
    with pytest.raises(FormatError, match="ignore both"):
        emit_keys(ORIGIN, [key("a._update.example.org"), key("A._update.example.org", algorithm="SHA512")])


def test_what_the_primary_ignores_is_said_without_secrets() -> None:
    found = read(
        f"good._update.example.org. DNSKEY 0 3 163 {SECRET}",
        f"other._update.two.net. DNSKEY 0 3 163 {SECRET}",
        f"rel._update DNSKEY 0 3 163 {SECRET}",
        f"twice._update.example.org. DNSKEY 0 3 163 {SECRET}",
        f"twice._update.example.org. DNSKEY 0 3 165 {SECRET}",
        f"a._key-management.example.org. DNSKEY 0 3 163 {SECRET}",
        f"md5._update.example.org. DNSKEY 0 3 157 {SECRET}",
        "bad._update.example.org. DNSKEY 0 3 163 ????",
        "ns1.example.org. A 192.0.2.1",
    )
    assert found.keys == (key("good._update.example.org"),)
    assert len(found.ignored) == 7
    assert not any(SECRET[:12] in reason for reason in found.ignored)
    for part in ("outside", "twice", "no right", "does not sign", "not base64", "not a key"):
        assert any(part in reason for reason in found.ignored)


@pytest.mark.parametrize(
    "line", [f"x._update.example.org. DNSKEY 0 2 163 {SECRET}", f"x DNSKEY 0 3 {SECRET}", "("]
)
def test_one_broken_line_loses_every_key_and_shows_none(line: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(f"good._update.example.org. DNSKEY 0 3 163 {SECRET}", line)
    assert "line 2" in caught.value.reason or "line 3" in caught.value.reason
    assert SECRET[:12] not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    made = key("x._update.example.org")
    assert SECRET not in repr(made)
    assert SECRET not in repr(KeyFile((made,)))
    assert made.unikernel_string() == f"x._update.example.org:SHA256:{SECRET}"


def test_errors_travel_between_processes() -> None:
    error = UnreadableError("a reason.", 7)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - of our own making
    assert (again.reason, again.position) == ("a reason.", 7)
