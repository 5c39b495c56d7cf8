"""How many guesses a passphrase withstands: the cheapest way to build it from known pieces."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

WEAK_BELOW = 50.0
STRONG_FROM = 64.0
_LOOKED_AT = 128  # characters; what follows would only add
_WORD_BITS = 15.0  # a word of no list that we ship may still be in a dictionary
_WORD = re.compile(r"(?:[b-df-hj-np-tv-xz]{0,3}[aeiouy]{1,3})+[b-df-hj-np-tv-xz]{0,3}")
_LONGEST_WORD = 24
_ROWS = (
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "1234567890",
    "0123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)
_WALKS = tuple(row for forward in _ROWS for row in (forward, forward[::-1]))
_LEET = str.maketrans("013457@$!", "oieastasi")


@dataclass(frozen=True)
class Strength:
    """Bits (binary logarithm of the guesses needed), a verdict, and a sentence for a person."""

    bits: float
    verdict: Literal["weak", "fair", "strong"]
    sentence: str


def estimate(text: str, *, words: Mapping[str, int], common: Mapping[str, int]) -> Strength:
    """Rate `text` against an attacker who knows `words` (each with the size of its list) and `common`
    passwords (each with its rank), keyboard rows, years, repetitions and usual replacements."""
    bits = _cheapest(text[:_LOOKED_AT], words, common)
    if bits < WEAK_BELOW:
        return Strength(bits, "weak", "This passphrase could be guessed by a machine: make it longer.")
    if bits < STRONG_FROM:
        return Strength(
            bits, "fair", "This passphrase withstands most attacks; one more word makes it strong."
        )
    return Strength(bits, "strong", "This passphrase is strong.")


def _cheapest(text: str, words: Mapping[str, int], common: Mapping[str, int]) -> float:
    """Shortest path over positions: each piece costs its bits, and each join of pieces one more."""
    best = [0.0] + [math.inf] * len(text)
    lowered = text.lower() if len(text.lower()) == len(text) else text
    plain = lowered.translate(_LEET)
    for end in range(1, len(text) + 1):
        best[end] = best[end - 1] + _character_bits(text, end - 1)
        for start in range(max(0, end - _LONGEST_WORD), end - 1):
            piece = lowered[start:end]
            cost = _piece_bits(piece, plain[start:end], words, common)
            if cost is None and _stands_alone(lowered, start, end) and _WORD.fullmatch(piece):
                cost = _WORD_BITS
            if cost is not None:
                if text[start:end] != piece:
                    cost += 1.0
                best[end] = min(best[end], best[start] + cost + 1.0)
        repeated = _repetition(lowered, best, end)
        best[end] = min(best[end], repeated)
    return best[-1]


def _piece_bits(piece: str, plain: str, words: Mapping[str, int], common: Mapping[str, int]) -> float | None:
    costs: list[float] = []
    for known in (words, common):
        if piece in known:
            costs.append(math.log2(known[piece] + 1))
        elif plain in known:
            costs.append(math.log2(known[plain] + 1) + 1.0)
    if len(piece) >= 3:
        if any(piece in walk for walk in _WALKS):
            costs.append(5.0 + math.log2(len(piece)))
        if len(piece) == 4 and piece.isascii() and piece.isdigit() and piece[:2] in {"19", "20"}:
            costs.append(7.0)
    return min(costs, default=None)


def _stands_alone(text: str, start: int, end: int) -> bool:
    inside = end - start <= 10 and (start == 0 or not text[start - 1].isalpha())
    return inside and (end == len(text) or not text[end].isalpha())


def _repetition(text: str, best: list[float], end: int) -> float:
    """The cost when the last characters only repeat what stands right before them."""
    cheapest = math.inf
    for size in range(1, end // 2 + 1):
        if text[end - size : end] == text[end - 2 * size : end - size]:
            cheapest = min(cheapest, best[end - size] + 1.0)
    return cheapest


def _character_bits(text: str, index: int) -> float:
    character = text[index]
    if character in " -_.,":
        return 1.0
    if character.isascii() and character.isdigit():
        return 3.3
    if character.isascii() and character.islower():
        return 4.7
    return 5.5
