"""MTA-STS, TLS-RPT, TLSA, CAA."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.mail_checks import Level
from tenants.formats.mail_checks.reading import Connect, Connected, Policy, PolicyFile, Said
from tenants.formats.mail_checks.transport import StsPolicy, read_policy
from tests.mail_checks.seen import ELSEWHERE, EMPTY, EXPECTED, MAIL, SILENT, Seen, data, good


def policy(mode: str = "enforce", mx: str = "mail.example.org", age: str = "604800") -> Seen:
    seen = good()
    text = f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {age}\n"
    seen.answers[PolicyFile("example.org")] = Policy(text)
    return seen


@pytest.mark.parametrize(
    ("seen", "level"),
    [
        (policy(), Level.OK),
        (policy(mx="*.example.org"), Level.OK),
        (policy(mx="*.org"), Level.FAIL),
        (policy(mx="other.example.org"), Level.FAIL),
        (policy("testing", mx="other.example.org"), Level.WARN),
        (policy("testing"), Level.RECOMMENDED),
        (policy("none"), Level.RECOMMENDED),
        (policy(age="60"), Level.WARN),
        (policy(age="-1"), Level.WARN),
        (policy("sometimes"), Level.WARN),
        (good().text("_mta-sts.example.org", "v=STSv1; id=a b"), Level.WARN),
        (good().text("_mta-sts.example.org", "v=STSv1; id=1", "v=STSv1; id=2"), Level.WARN),
        (good().text("_mta-sts.example.org", "unrelated"), Level.RECOMMENDED),
        (good().dns("_mta-sts.example.org", "TXT", SILENT), Level.UNKNOWN),
    ],
)
def test_mta_sts(seen: Seen, level: Level) -> None:
    assert seen.line(EXPECTED, "mta-sts").level is level


def test_a_policy_that_cannot_be_fetched() -> None:
    seen = good()
    seen.answers[PolicyFile("example.org")] = Policy(problem="the certificate is not trusted")
    found = seen.line(EXPECTED, "mta-sts")
    assert (found.level, "the certificate is not trusted" in found.sentence) == (Level.WARN, True)


@given(st.text(max_size=300))
def test_hostile_policies_are_none(text: str) -> None:
    assert read_policy(text) is None or "STSv1" in text


def test_a_policy_is_read() -> None:
    text = "version: STSv1\r\nmode: testing\r\nmx: A.example.\r\nmx: *.b.example\r\nmax_age: 5\r\nnew: x\r\n"
    found = read_policy(text)
    assert found == StsPolicy("testing", 5, ("a.example", "*.b.example"))
    assert [found.allows(each) for each in ("a.example", "x.b.example", "x.y.b.example", "b.example")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("said", "level"),
    [
        (EMPTY, Level.RECOMMENDED),
        (data("v=TLSRPTv1; rua=ftp:x"), Level.WARN),
        (data("v=TLSRPTv1; rua=mailto:a@b.example", "v=TLSRPTv1; rua=mailto:c@b.example"), Level.WARN),
        (data("v=TLSRPTv1; rua=https://r.example/x"), Level.OK),
        (SILENT, Level.UNKNOWN),
    ],
)
def test_tls_reports(said: Said, level: Level) -> None:
    assert good().dns("_smtp._tls.example.org", "TXT", said).line(EXPECTED, "tls-rpt").level is level


def test_without_a_promise_reports_are_no_matter() -> None:
    seen = good().dns("_smtp._tls.example.org", "TXT", EMPTY).dns("_mta-sts.example.org", "TXT", EMPTY)
    assert seen.line(EXPECTED, "tls-rpt").level is Level.INFO


KEY = hashlib.sha256(b"key").hexdigest()


@pytest.mark.parametrize(
    ("said", "level"),
    [
        (data(f"3 1 1 {KEY}", authentic=True), Level.OK),
        (data(f"3 1 1 {KEY[:30].upper()} {KEY[30:]}", authentic=True), Level.OK),
        (data("3 0 0 " + b"whole".hex(), authentic=True), Level.OK),
        (data("3 1 1 00", f"3 1 1 {KEY}", authentic=True), Level.OK),
        (data("3 1 1 00", authentic=True), Level.FAIL),
        (data("3 9 9 00", "nonsense", authentic=True), Level.INFO),
        (data("2 1 1 00", authentic=True), Level.INFO),
        (data("3 1 1 00"), Level.INFO),
        (SILENT, Level.WARN),
    ],
)
def test_tlsa(said: Said, level: Level) -> None:
    seen = good().dns("_25._tcp.mail.example.org", "TLSA", said)
    seen.answers[Connect(MAIL, 25, "mail.example.org")] = Connected(certificate=b"whole", public_key=b"key")
    assert seen.line(EXPECTED, "tlsa:mail.example.org").level is level


def test_tlsa_without_tls() -> None:
    seen = good().dns("_25._tcp.mail.example.org", "TLSA", data(f"3 1 1 {KEY}", authentic=True))
    seen.answers[Connect(MAIL, 25, "mail.example.org")] = Connected("nobody answers")
    assert seen.line(EXPECTED, "tlsa:mail.example.org").level is Level.FAIL


@pytest.mark.parametrize(
    ("name", "records", "level"),
    [
        ("example.org", ('0 issue "letsencrypt.org"',), Level.OK),
        ("org", ('0 issue "letsencrypt.org; validationmethods=dns-01"',), Level.OK),
        ("mail.example.org", ('0 issue "other.example"',), Level.FAIL),
        ("mail.example.org", ('0 issue ";"',), Level.FAIL),
        ("mail.example.org", ('0 issue "other.example"', '0 ISSUE "letsencrypt.org"'), Level.OK),
        ("mail.example.org", ('0 iodef "mailto:a@b.example"',), Level.INFO),
    ],
)
def test_caa(name: str, records: tuple[str, ...], level: Level) -> None:
    seen = good().dns("example.org", "CAA", EMPTY).dns(name, "CAA", data(*records))
    assert seen.line(EXPECTED, "caa:mail.example.org").level is level


def test_nobody_says_who_may_issue() -> None:
    assert (
        good().dns("example.org", "CAA", SILENT).line(ELSEWHERE, "caa:mail.example.org").level
        is Level.UNKNOWN
    )
