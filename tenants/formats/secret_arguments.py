"""Arguments of a unikernel that Rookery did not start: which of them are secrets, and what is left to show.

Sealing one too many costs nothing, showing one too many cannot be taken back: in doubt it is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tenants.formats.arguments import LONGEST_ARGUMENT, check_arguments, referenced
from tenants.formats.text import FormatError

_WORDS = frozenset(
    {
        *(
            "auth",
            "cookie",
            "credential",
            "credentials",
            "hmac",
            "key",
            "keys",
            "pass",
            "passphrase",
            "passwd",
        ),
        *("password", "private", "psk", "pw", "secret", "secrets", "seed", "token", "tsig"),
    }
)
# What stands last and says that the value is only about a secret.
_ABOUT = frozenset({"type", "fingerprint", "bits", "length", "size", "algorithm"})
_OPTION = re.compile(r"--?[A-Za-z][A-Za-z0-9_.-]*")
_WITH_VALUE = re.compile(rf"({_OPTION.pattern})(=| +)(.*)", re.DOTALL)
# A TSIG key "name:SHA256:…", an SSH key "ed25519:…", "rsa:…".
_KEY = re.compile(r"(?:.*:)?(?:md5|sha\d+|rsa|ed25519|p256|p384|p521):[A-Za-z0-9+/=_-]{8,}", re.IGNORECASE)
_SURELY = "sha256:00000000"
"""Is like a secret."""
_LOGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/@:\s]*:[^/@\s]*@.*", re.IGNORECASE)
# As good as random: long, and of the letters of base64 or hexadecimal alone, with digits among them.
_RANDOM = re.compile(r"(?=.*[0-9])[A-Za-z0-9+/_-]{24,}={0,2}")


@dataclass(frozen=True)
class Separated:
    """`shown` with references like {secret:seed} in place of each secret, and `secrets` by their names."""

    shown: tuple[str, ...]
    secrets: Mapping[str, str] = field(repr=False)


def separate(arguments: Sequence[bytes]) -> Separated:
    """Take the secrets out; filled in again they give exactly these bytes.

    Raises FormatError (field `arguments`) for what Rookery cannot hold: no UTF-8, what no command line of
    ours may have, and what would be read as a reference.
    """
    texts = [_text(raw, number) for number, raw in enumerate(arguments, 1)]
    if check_arguments(texts) != texts:
        raise _bad("An argument has spaces or characters that Rookery would write in another way.")
    shown: list[str] = []
    secrets: dict[str, str] = {}
    before = ""
    for number, text in enumerate(texts, 1):
        option, equals, value = _cut(text)
        is_option = not option and _OPTION.fullmatch(text) is not None
        name = option or ("" if is_option else before)
        if not is_option and is_secret(name, value):
            label = _label(name, number, secrets)
            secrets[label] = value
            shown.append(f"{option}{equals}{{secret:{label}}}")
        else:
            shown.append(text)
        before = text if is_option else ""
    return Separated(tuple(shown), secrets)


def is_secret(option: str, value: str) -> bool:
    """Whether the value of an option (empty: a word of its own) is to be sealed."""
    return bool(value) and (_names_a_secret(option) or any(map(_is_like_a_secret, _words(value))))


def _words(value: str) -> Iterator[str]:
    """The value, and what is inside of one that holds further arguments after a blank."""
    yield value
    words = value.split()
    for word in words if len(words) > 1 else ():
        option, _, rest = _cut(word)
        yield rest
        if _names_a_secret(option or (word if _OPTION.fullmatch(word) else "")):
            yield _SURELY


def _cut(text: str) -> tuple[str, str, str]:
    """Option, what stands between, and value: `--name=value`, or `--name value` in one argument, which the
    image gets split at the blank. A value of its own has no option; it may be of the one before it."""
    found = _WITH_VALUE.fullmatch(text)
    return (found[1], found[2], found[3]) if found else ("", "", text)


def _text(raw: bytes, number: int) -> str:
    if len(raw) > 4 * LONGEST_ARGUMENT:
        raise _bad(f"Argument {number} is too long.")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise _bad(f"Argument {number} is no text in UTF-8.") from None
    if any(referenced([text])):
        raise _bad(f"Argument {number} would be read as one of Rookery's references, as {{secret:…}}.")
    return text


def _names_a_secret(option: str) -> bool:
    words = re.split(r"[-_.]", option.lower().lstrip("-"))
    return words[-1] not in _ABOUT and not _WORDS.isdisjoint(words)


def _is_like_a_secret(value: str) -> bool:
    return any(pattern.fullmatch(value) for pattern in (_KEY, _LOGIN, _RANDOM))


def _label(option: str, number: int, taken: Mapping[str, str]) -> str:
    """A name for the secret: its option's, or its number's; each once."""
    plain = re.sub(r"[^a-z0-9]+", "-", option.lower()).strip("-")[:34].rstrip("-")
    name = plain if plain[:1].isalpha() else f"argument-{number}"
    label, again = name, 2
    while label in taken:
        label, again = f"{name}-{again}", again + 1
    return label


def _bad(problem: str) -> FormatError:
    return FormatError("arguments", problem, "Start it without that, then look again.")
