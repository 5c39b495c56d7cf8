"""The hash that browsers compute is the hash that ptt compares: BLAKE2b-512 as in hashlib and RFC 7693."""

from __future__ import annotations

import hashlib

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

# RFC 7693, appendix A.
ABC_DIGEST = (
    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
)

HASH_EACH = """async ([url, inputs]) => {
  const { blake2bHex } = await import(url);
  const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return inputs.map((hex) => blake2bHex(bytes(hex)));
}"""
HASH_TEXTS = """async ([url, texts]) => {
  const { blake2bHex } = await import(url);
  return texts.map((text) => blake2bHex(new TextEncoder().encode(text)));
}"""


@pytest.fixture
def module_url(page: Page, static_files_url: str) -> str:
    page.goto(f"{static_files_url}/favicon.svg")
    return f"{static_files_url}/js/blake2b.js"


def digests_of(page: Page, module_url: str, inputs: list[bytes]) -> list[str]:
    result = page.evaluate(HASH_EACH, [module_url, [data.hex() for data in inputs]])
    return [str(digest) for digest in result]


def bytes_of_length(length: int) -> bytes:
    """Bytes without a period that a block boundary could hide, the same in every run."""
    return hashlib.shake_128(length.to_bytes(4, "big")).digest(length)


def test_the_example_of_the_rfc(page: Page, module_url: str) -> None:
    assert digests_of(page, module_url, [b"abc"]) == [ABC_DIGEST]


def test_every_length_around_the_block_boundaries(page: Page, module_url: str) -> None:
    inputs = [bytes_of_length(length) for length in range(301)]
    assert digests_of(page, module_url, inputs) == [hashlib.blake2b(data).hexdigest() for data in inputs]


def test_words_full_of_ones_carry_correctly(page: Page, module_url: str) -> None:
    inputs = [b"\xff" * length for length in (1, 64, 127, 128, 129, 256, 1000)]
    assert digests_of(page, module_url, inputs) == [hashlib.blake2b(data).hexdigest() for data in inputs]


def test_ten_kilobytes(page: Page, module_url: str) -> None:
    data = bytes_of_length(10_000)
    assert digests_of(page, module_url, [data]) == [hashlib.blake2b(data).hexdigest()]


def test_a_part_of_a_larger_buffer_is_hashed_alone(page: Page, module_url: str) -> None:
    digest = page.evaluate(
        """async (url) => {
          const { blake2bHex } = await import(url);
          return blake2bHex(new Uint8Array(400).fill(7).subarray(33, 233));
        }""",
        module_url,
    )
    assert digest == hashlib.blake2b(b"\x07" * 200).hexdigest()


def test_text_is_hashed_as_utf8_exactly_as_typed(page: Page, module_url: str) -> None:
    texts = [
        "",
        "foo",
        "ferry-lantern-otter-quartz-slope-vivid",
        "Grüße, наши 漢字 🐧",
        "e\u0301 is not \u00e9",
        " a ",
    ]
    digests = page.evaluate(HASH_TEXTS, [module_url, texts])
    assert digests == [hashlib.blake2b(text.encode()).hexdigest() for text in texts]
