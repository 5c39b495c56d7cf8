"""How the certificates in a zone stand, with real requests and certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.formats.zones.certificates import (
    HostCertificate,
    Standing,
    certificates_in,
    is_worrying,
    turns_after,
    why_no_reload,
)
from tenants.formats.zones.data.digests import TLSA
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOST = Name.of("mail.example.org")
OWNER = Name.of("_letsencrypt._tcp.mail.example.org")
KEY, OTHER_KEY, AUTHORITY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
NAMES = ("mail.example.org", "smtp.example.org")


def subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def alternatives(names: tuple[str, ...]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.DNSName(name) for name in names])


def request(names: tuple[str, ...] = NAMES, key: ec.EllipticCurvePrivateKey = KEY) -> TLSA:
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject(names[0]))
    made = builder.add_extension(alternatives(names), critical=False).sign(key, hashes.SHA256())
    return TLSA(3, 255, 0, made.public_bytes(Encoding.DER))


def certificate(
    start: int = -60,
    end: int = 30,
    *,
    names: tuple[str, ...] = NAMES,
    key: ec.EllipticCurvePrivateKey = KEY,
    issuer: str = "R11",
) -> TLSA:
    """Valid from and until so many days from now."""
    made = (
        x509.CertificateBuilder()
        .subject_name(subject(names[0]))
        .issuer_name(subject(issuer))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW + timedelta(days=start))
        .not_valid_after(NOW + timedelta(days=end))
        .add_extension(alternatives(names), critical=False)
        .sign(AUTHORITY, hashes.SHA256())
    )
    return TLSA(3, 0, 0, made.public_bytes(Encoding.DER))


def judge(*records: TLSA) -> HostCertificate:
    (found,) = certificates_in([RecordSet(OWNER, 3600, records)], NOW)
    assert found.host == HOST
    assert found.sentence.endswith(".")
    return found


def test_a_valid_one_says_until_when() -> None:
    above = TLSA(0, 0, 0, certificate().data)
    found = judge(request(), certificate(), above)
    assert (found.standing, found.fix) == (Standing.VALID, "")
    assert found.sentence == "The certificate of mail.example.org is valid until 2026-12-21."
    assert found.names == NAMES
    assert found.valid_until == NOW + timedelta(days=30)
    assert found.issuer == "CN=R11"
    assert not found.staging


@pytest.mark.parametrize(
    ("records", "standing"),
    [
        ([request()], Standing.PENDING),
        ([request(), certificate(end=13)], Standing.RENEWAL_DUE),
        ([request(), certificate(end=15)], Standing.VALID),
        ([request(), certificate(end=0)], Standing.EXPIRED),
        ([request(), certificate(start=1)], Standing.NOT_YET),
        ([certificate()], Standing.UNREQUESTED),
        ([TLSA(0, 0, 0, b"x")], Standing.UNREQUESTED),
        ([request(key=OTHER_KEY), certificate()], Standing.MISFIT),
        ([request(names=("mail.example.org",)), certificate()], Standing.MISFIT),
        ([request(), certificate(), certificate(end=40)], Standing.STUCK),
        ([request(), request(key=OTHER_KEY), certificate()], Standing.STUCK),
        ([request(), TLSA(3, 0, 0, b"nothing")], Standing.UNREADABLE),
        ([TLSA(3, 255, 0, b"nothing")], Standing.UNREADABLE),
    ],
)
def test_how_they_stand(records: list[TLSA], standing: Standing) -> None:
    found = judge(*records)
    assert found.standing is standing
    assert bool(found.fix) is (standing is not Standing.VALID)


def test_the_staging_authority_is_told() -> None:
    found = judge(request(), certificate(issuer="(STAGING) Pseudo Plum E5"))
    assert found.staging
    assert found.standing is Standing.VALID
    assert "which nobody trusts" in found.sentence
    assert "--production" in found.fix


def test_only_the_stacks_own_records_count_and_hosts_are_in_order() -> None:
    others = [
        RecordSet(Name.of("_25._tcp.mail.example.org"), 60, [certificate()]),
        RecordSet(Name.of("_letsencrypt._tcp.b.example.org"), 60, [request()]),
        RecordSet(Name.of("_LetsEncrypt._TCP.a.example.org"), 60, [request()]),
    ]
    assert [str(found.host) for found in certificates_in(others, NOW)] == ["a.example.org.", "b.example.org."]


GOOD = [request().data, certificate().data]


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 3]), st.sampled_from([0, 255]), st.binary(min_size=1, max_size=80)),
        min_size=1,
        max_size=3,
    )
)
@settings(deadline=None)
def test_any_bytes_are_judged(records: list[tuple[int, int, bytes]]) -> None:
    judge(*(TLSA(usage, selector, 0, data) for usage, selector, data in records))


@given(st.integers(0, 1), st.integers(0, 600), st.integers(1, 255))
@settings(deadline=None)
def test_damaged_ones_are_judged(which: int, place: int, value: int) -> None:
    data = bytearray(GOOD[which])
    data[place % len(data)] ^= value
    found = judge(*(TLSA(3, 0 if which else 255, 0, bytes(data)),))
    assert found.sentence.isprintable()


@pytest.mark.parametrize(
    ("records", "patience"),
    [
        ((request(),), timedelta(hours=1)),
        ((request(), certificate(key=OTHER_KEY)), timedelta(days=1, hours=6)),
        ((request(), certificate(start=1, end=60)), timedelta(hours=1)),
        ((request(), request()), timedelta(0)),
        ((TLSA(3, 0, 0, b"nothing"),), timedelta(0)),
        ((certificate(end=5),), timedelta(0)),
        ((request(), certificate(end=-1)), timedelta(0)),
        ((request(), certificate(end=11)), timedelta(0)),
        ((TLSA(0, 0, 0, b"above"),), timedelta(0)),
    ],
)
def test_people_are_told_once_the_machines_had_their_time(
    records: tuple[TLSA, ...], patience: timedelta
) -> None:
    found = judge(*records)
    assert is_worrying(found, NOW - patience, NOW)
    if patience:
        assert not is_worrying(found, NOW - patience + timedelta(seconds=1), NOW)
        assert turns_after(found, NOW, NOW) == NOW + patience or found.standing is Standing.NOT_YET


@pytest.mark.parametrize(
    "records", [(request(), certificate()), (request(), certificate(end=13)), (certificate(),)]
)
def test_what_renews_itself_worries_nobody(records: tuple[TLSA, ...]) -> None:
    assert not is_worrying(judge(*records), NOW - timedelta(days=300), NOW)


@given(st.integers(-30, 100), st.integers(1, 20 * 24))
def test_between_two_turns_nothing_changes(end: int, hours: int) -> None:
    """Looking at the turns alone misses nothing."""
    asked, issued = request(), certificate(start=-90, end=end)
    records = RecordSet(OWNER, 3600, (asked, issued))
    since = NOW - timedelta(days=9)

    def look(at: datetime) -> tuple[Standing, bool]:
        (found,) = certificates_in([records], at)
        return found.standing, is_worrying(found, since, at)

    turn = turns_after(judge(asked, issued), since, NOW)
    later = NOW + timedelta(hours=hours)
    if turn is not None:
        later = min(later, turn - timedelta.resolution)
    assert look(later) == look(NOW)


def test_a_reload_waits_for_a_certificate_that_serves() -> None:
    assert why_no_reload(judge(request(), certificate()), NOW) == ""
    assert why_no_reload(judge(certificate(end=5)), NOW) == "", "it is valid though nobody renews it"
    for found in (
        None,
        judge(request()),
        judge(request(), certificate(key=OTHER_KEY)),
        judge(request(), certificate(end=-1)),
        judge(request(), certificate(start=1, end=60)),
        judge(request(), request()),
    ):
        assert "serve nobody" in why_no_reload(found, NOW)


def test_a_renewed_certificate_has_another_fingerprint() -> None:
    assert judge(certificate()).fingerprint != judge(certificate(end=31)).fingerprint != ""
    assert judge(request()).fingerprint == ""
