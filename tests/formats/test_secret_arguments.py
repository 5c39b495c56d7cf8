"""Which arguments of an unknown unikernel are sealed, and that they come back byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.arguments import References, fill_in
from tenants.formats.secret_arguments import separate
from tenants.formats.text import FormatError

TEXT = st.text("abcXYZ019-=:/+.{}@ ä", min_size=1, max_size=60)


@pytest.mark.parametrize(
    "argument",
    [
        "--ipv4=10.0.0.2/24",
        "--ipv4-gateway=10.0.0.1",
        "--domain=example.org",
        "--postmaster=hostmaster@example.org",
        "--remote=git@10.0.0.1:relay.git",
        "--account-key-type=P256",
        "--tls-key-fingerprint=SHA256",
        "--production",
        "--key-seed=",
        "--destination=10.0.0.7",
        "--authenticator=SHA256",
        "-v",
        "--domain example.org",
    ],
)
def test_what_is_no_secret_stays_as_it_is(argument: str) -> None:
    found = separate([argument.encode()])
    assert (found.shown, found.secrets) == ((argument,), {})


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("--key-seed=abc", "--key-seed={secret:key-seed}"),
        ("--dns-key=p._update.e.org:SHA256:c2VjcmV0", "--dns-key={secret:dns-key}"),
        ("--ssh-key=ed25519:c2VjcmV0", "--ssh-key={secret:ssh-key}"),
        ("--private-key=x=", "--private-key={secret:private-key}"),
        ("--remote=https://user:hunter2@git.example/r", "--remote={secret:remote}"),
        ("--what=0123456789abcdef0123456789abcdef", "--what={secret:what}"),
        ("p._update.e.org:SHA256:c2VjcmV0", "{secret:argument-1}"),
        ("--key-seed abc", "--key-seed {secret:key-seed}"),
        ("--dns-key  p._update.e.org:SHA256:c2VjcmV0", "--dns-key  {secret:dns-key}"),
        ("--domain e.org --key-seed=hunter2", "--domain {secret:domain}"),
        ("--domain e.org --key-seed hunter2", "--domain {secret:domain}"),
    ],
)
def test_a_secret_is_taken_out(argument: str, shown: str) -> None:
    found = separate([argument.encode()])
    assert found.shown == (shown,)
    assert fill_in(found.shown, References(found.secrets)) == (argument.encode(),)
    assert "hunter2" not in repr(found)


def test_a_value_of_its_own_and_one_name_twice() -> None:
    found = separate([b"--seed", b"abc", b"--seed=def", b"-v", b"plain"])
    assert found.shown == ("--seed", "{secret:seed}", "--seed={secret:seed-2}", "-v", "plain")
    assert found.secrets == {"seed": "abc", "seed-2": "def"}


@given(st.lists(TEXT, max_size=8))
def test_filled_in_again_it_is_the_same(arguments: list[str]) -> None:
    raw = tuple(each.encode() for each in arguments)
    try:
        found = separate(raw)
    except FormatError:
        return
    assert fill_in(found.shown, References(found.secrets)) == raw


@pytest.mark.parametrize("raw", [b"\xff", b"--x={secret:a}", b"{address:service}", b" x", b"", b"a\nb"])
def test_what_cannot_be_held(raw: bytes) -> None:
    with pytest.raises(FormatError):
        separate([raw])
