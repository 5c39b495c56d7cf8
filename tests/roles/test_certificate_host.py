"""Which certificate a unikernel takes out of the zone, by its arguments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.roles.certificate_host import certificate_host

RECEIVER = ("--key-seed={secret:tls}", "--dns-key", "{secret:dns}")


@pytest.mark.parametrize(
    ("arguments", "host"),
    [
        (("--domain=a.example", "--submission-domain=smtp.a.example", *RECEIVER), "smtp.a.example"),
        (("--domain=a.example", "--hostname", "SMTP.a.example", *RECEIVER), "smtp.a.example"),
        (("--domain=a.example", *RECEIVER), "a.example"),
        (("--domain=a.example", "--key-seed={secret:tls}"), ""),
        (("--domain=a.example", "--selector=s1", "--dns-key={secret:dns}"), ""),
        (("--hostname=smtp.a.example", "--cert-der=MII"), ""),
        (("--hostname", "--domain=a.example"), ""),
        (("--hostname=no name",), ""),
        (("--hostname",), ""),
        ((), ""),
    ],
)
def test_the_host_of_a_certificate(arguments: tuple[str, ...], host: str) -> None:
    assert certificate_host(arguments) == host


@given(st.lists(st.one_of(st.text(max_size=30), st.sampled_from(["--hostname", "--domain=x.y", *RECEIVER]))))
def test_whatever_was_taken_over_is_read(arguments: list[str]) -> None:
    assert certificate_host(arguments) == certificate_host(arguments).lower()
