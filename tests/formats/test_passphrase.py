"""Passphrases: the fingerprint, what is refused, and what is offered."""

from __future__ import annotations

import math
import os
import pty
import re
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.passphrase import (
    check_hash,
    check_passphrase,
    common_passwords,
    generate,
    hash_passphrase,
    is_common_hash,
    shell_line,
    strength,
    word_list,
)
from tenants.formats.text import FormatError
from tests.formats.relay_vectors import DIGEST_OF_FOO

DIGEST_OF_ABC = (  # RFC 7693, appendix A
    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
)
LONG = hash_passphrase("velvet-anchor-museum-quilt-tiger-plank")


def test_the_fingerprint_is_blake2b_512() -> None:
    assert hash_passphrase("abc") == DIGEST_OF_ABC
    assert hash_passphrase("foo") == DIGEST_OF_FOO
    assert hash_passphrase("é") != hash_passphrase("e\u0301")


def test_a_fingerprint_is_lower_cased_and_stripped() -> None:
    assert check_hash(f" {LONG.upper()}\n") == LONG


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "has 0 hex digits and needs exactly 128"),
        (LONG[:-1], "has 127 hex digits"),
        (LONG + "0", "has 129 hex digits"),
        (LONG[:64], "BLAKE2b-256 or SHA-256"),
        (LONG[:32], "MD5"),
        ("g" + LONG[1:], "contains 1 characters that are no hex digits"),
        (LONG[:64] + " " + LONG[64:], "no hex digits"),
        ("٠" + LONG[1:], "no hex digits"),
        ("my secret passphrase", "no hex digits"),
        ("0" * 128, "fits no passphrase"),
        (hash_passphrase(""), "commonly used"),
        (hash_passphrase("password"), "commonly used"),
        (hash_passphrase("Password1!"), "commonly used"),
        (hash_passphrase("123456"), "commonly used"),
        (None, "must be text"),
    ],
)
def test_bad_fingerprints(value: object, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_hash(value)
    assert said in str(caught.value)
    assert caught.value.field == "password_hash"
    assert LONG[:8] not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_common_passwords_are_known_by_their_fingerprint() -> None:
    passwords = common_passwords()
    assert len(passwords) >= 3000
    assert len(set(passwords)) == len(passwords)
    assert all(is_common_hash(hash_passphrase(password)) for password in passwords[::50])
    assert is_common_hash(hash_passphrase(passwords[7].capitalize() + "123"))
    assert not is_common_hash(LONG)
    assert not is_common_hash("no fingerprint")


def test_the_word_list_is_plain_and_long_enough() -> None:
    words = word_list()
    assert len(words) >= 2048
    assert len(set(words)) == len(words)
    assert all(re.fullmatch("[a-z]{3,8}", word) for word in words)
    assert not set(words) & set(common_passwords()), "a passphrase of such a word would be guessed sooner"
    assert list(words) == sorted(words)


def test_generated_passphrases_are_strong_and_differ() -> None:
    made = {generate() for _ in range(30)}
    assert len(made) == 30
    for passphrase in made:
        assert len(passphrase.split("-")) == 6
        assert set(passphrase.split("-")) <= set(word_list())
        assert strength(passphrase).verdict == "strong"
        assert strength(passphrase).bits >= 6 * math.log2(len(word_list()))
        assert check_passphrase(passphrase) == passphrase
    assert len(generate(8).split("-")) == 8
    with pytest.raises(ValueError, match="at least 5"):
        generate(4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password",
        "Passw0rd!",
        "Summer2024!",
        "qwertyuiopasdfgh",
        "a" * 200,
        "abcabcabcabcabcabcabc",
        "20012002",
        "michaeljordan23",
        "correct horse",
        "0123456789" * 12,
        "p@ssw0rdp@ssw0rd",
        "iloveyou1990",
    ],
)
def test_guessable_passphrases_are_weak(text: str) -> None:
    assert strength(text).verdict == "weak"
    with pytest.raises(FormatError) as caught:
        check_passphrase(text)
    assert len(text) < 9 or text not in str(caught.value)


@pytest.mark.parametrize("text", ["kX9#vL2q!mZ7wP4&", "wv7ghk2pqs9dtx4mz8nb"])
def test_random_passphrases_are_strong(text: str) -> None:
    assert strength(text).verdict == "strong"


def test_generated_passphrases_are_strong() -> None:
    assert strength(generate(7)).verdict == "strong"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kX9#vL2q!mZ7\nwP4&", "control character"),
        ("kX9#vL2q!mZ7\0wP4&", "control character"),
        (" kX9#vL2q!mZ7wP4&", "begins or ends with a space"),
        ("kX9#" * 65, "longer than 256"),
        ("\ud800kX9#vL2q!mZ7wP4&", "control character"),
        (12, "must be text"),
    ],
)
def test_passphrases_that_mail_programs_cannot_send(text: object, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        check_passphrase(text)


@given(st.text(max_size=40), st.text(max_size=8))
def test_strength_is_never_negative_and_bounded(text: str, more: str) -> None:
    rated = strength(text + more)
    assert 0 <= rated.bits <= 7 * len(text + more)
    assert rated.verdict in {"weak", "fair", "strong"}


def test_strength_of_a_very_long_text_takes_little_time() -> None:
    started = time.process_time()
    strength("aB3$" * 250_000)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_shell_line_makes_the_same_fingerprint_and_shows_nothing(shell: str) -> None:
    passphrase = "velvet \\n $HOME `id` é -n"
    ours, theirs = pty.openpty()
    with subprocess.Popen([shell, "-c", shell_line()], stdin=theirs, stdout=theirs, stderr=theirs) as child:
        os.close(theirs)
        shown = b""
        while b"Passphrase: " not in shown:
            shown += os.read(ours, 1024)
        os.write(ours, passphrase.encode() + b"\n")
        shown += read_all(ours)
        assert child.wait(timeout=10) == 0
    os.close(ours)
    assert shown.decode().split()[1:] == [hash_passphrase(passphrase)]


def read_all(descriptor: int) -> bytes:
    found = b""
    while True:
        try:
            piece = os.read(descriptor, 1024)
        except OSError:
            return found
        if not piece:
            return found
        found += piece
