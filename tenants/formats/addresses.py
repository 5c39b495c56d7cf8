"""Mail addresses: the ones that Rookery creates, and the outside ones that mail is sent on to.

The rules are stricter than RFC 5321/5322 wherever the unikernels of ptt mishandle what the RFCs
allow: comparison of local parts is case-sensitive, quotes are lost at each hop, and a target whose
domain is no strict host name stops the relay for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tenants.formats.text import FormatError, printable, require_text

MAX_TARGETS = 20
# Of an alias with the targets of the mailboxes that it delivers to: the relay loads them in no time yet.
MAX_REACHED = 100
MAX_LOCAL_PART = 64
MAX_HOST_NAME = 253
MAX_ADDRESS = 254

_LOCAL_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._+-")
_ATEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]")
_LABEL_CHARACTER = re.compile(r"[A-Za-z0-9-]")
_IPV4 = re.compile(r"[0-9]+(\.[0-9]+){3}")
_QUOTES = "\"'`“”‘’«»"


def check_local_part(value: object, *, field: str = "local_part") -> str:
    """Return the local part of an address that Rookery creates, unchanged.

    1 to 64 of `a-z 0-9 . _ + -`, beginning with a letter or digit, dots only single and inside.
    Raises FormatError; each kind of mistake has its own answer.
    """
    text = require_text(value, field=field)
    shown = printable(text, 80)
    if not text:
        raise FormatError(field, "The local part is empty.", "Write the part before the @, such as “anna”.")
    if len(text) > MAX_LOCAL_PART:
        raise FormatError(
            field,
            f"The local part is {len(text)} characters long; at most {MAX_LOCAL_PART} fit.",
            "Choose a shorter one.",
        )
    if "@" in text:
        raise FormatError(
            field, f"“{shown}” contains an @.", "Write only the part before the @; the domain is known."
        )
    if "/" in text:
        raise FormatError(
            field,
            f"“{shown}” contains a slash, which the mail servers would read as a folder and never find.",
            "Use a dot, a hyphen or an underscore instead.",
        )
    for quote in _QUOTES:
        if quote in text:
            raise FormatError(
                field, f"“{shown}” contains a quotation mark.", "Leave the quotation marks out."
            )
    if any(character.isspace() for character in text):
        raise FormatError(
            field, f"“{shown}” contains a space or a line break.", "Use a dot, a hyphen or an underscore."
        )
    if not text.isascii():
        raise FormatError(
            field,
            f"“{shown}” contains {_first_not_ascii(text)}, and such an address could log in but never"
            " receive mail.",
            "Use only the letters a to z, digits, dots, hyphens, underscores and plus signs.",
        )
    _check_created_characters(text, shown, field)
    _check_dots(text, field, "local part")
    if not text[0].isalnum():
        raise FormatError(field, f"“{shown}” begins with “{text[0]}”.", "Begin with a letter or a digit.")
    return text


def check_host_name(value: object, *, field: str) -> str:
    """Return a host name in lower case: strict letters, digits and hyphens (RFC 1123), two or more
    labels of 1 to 63, 253 characters in all, a letter in the last label. Raises FormatError."""
    text = require_text(value, field=field)
    shown = printable(text, 80)
    if not text:
        raise FormatError(field, "The host name is empty.", "Write a name such as “example.org”.")
    if len(text) > MAX_HOST_NAME:
        raise FormatError(
            field,
            f"The host name is {len(text)} characters long; at most {MAX_HOST_NAME} are allowed.",
            "Check it for a mistake.",
        )
    if not text.isascii():
        raise FormatError(field, f"“{shown}” contains {_first_not_ascii(text)}.", _ascii_form(text))
    if _IPV4.fullmatch(text) or text.startswith("["):
        raise FormatError(field, f"“{shown}” is an address of a machine, not a name.", "Write a host name.")
    if text.endswith("."):
        raise FormatError(field, f"“{shown}” ends with a dot.", f"Write “{shown.rstrip('.')}”.")
    labels = text.lower().split(".")
    for label in labels:
        _check_label(label, shown, field)
    if len(labels) < 2:
        raise FormatError(
            field, f"“{shown}” is a single word.", "Write the whole name, such as “example.org”."
        )
    if not any(character.isalpha() for character in labels[-1]):
        raise FormatError(
            field, f"The last part of “{shown}” has no letter.", "No domain ends like that: check it."
        )
    return ".".join(labels)


def check_domain(value: object, *, field: str = "domain") -> str:
    """Return a mail domain in lower case; the rules of `check_host_name`."""
    return check_host_name(value, field=field)


def split_address(value: object, *, field: str = "address") -> tuple[str, str]:
    """Return (local part, domain) as written, split at the only @. Raises FormatError."""
    text = require_text(value, field=field)
    shown = printable(text, 80)
    if "@" not in text:
        raise FormatError(field, f"“{shown}” has no @.", "Write an address such as “anna@example.org”.")
    local, _, host = text.rpartition("@")
    if not local or not host:
        side = "before" if not local else "after"
        raise FormatError(
            field, f"“{shown}” has nothing {side} the @.", "Write an address such as “anna@example.org”."
        )
    if "@" in local:
        raise FormatError(field, f"“{shown}” has more than one @.", "Write one address with one @.")
    return local, host


def check_target(value: object, *, field: str = "target", own_domain: str | None = None) -> str:
    """Return an outside address that mail may be sent on to: the local part as written, the host
    name in lower case.

    Only a bare ASCII `local@host` with a strict host name is let through, since ptt reads a target as
    a prefix (a display name, a second address or junk would be dropped silently) and a target with
    another kind of domain stops its relay for everybody. `own_domain` is the domain that the address
    belongs to: ptt does not look such a target up again, so it is refused. Raises FormatError.
    """
    text = require_text(value, field=field)
    shown = printable(text, 120)
    _refuse_decoration(text, shown, field)
    local, host = split_address(text, field=field)
    _check_target_local(local, shown, field)
    host = check_host_name(host, field=field)
    address = f"{local}@{host}"
    if len(address) > MAX_ADDRESS:
        raise FormatError(
            field,
            f"The address is {len(address)} characters long; at most {MAX_ADDRESS} are allowed.",
            "Check it for a mistake.",
        )
    if own_domain is not None and host == own_domain.lower():
        raise FormatError(
            field,
            f"“{shown}” is in the same domain, and the relay does not look such a target up again.",
            "Write the outside address where that mail is read.",
        )
    return address


def check_targets(
    values: Sequence[object],
    *,
    field: str = "targets",
    own_domain: str | None = None,
    maximum: int = MAX_TARGETS,
) -> tuple[str, ...]:
    """Return the targets of one address, in order: each checked by `check_target`, none twice, at
    most `maximum` (the relay's loading time grows with the square). May be empty.

    Two targets that differ only by case count as one: the relay would keep the first. Raises
    FormatError whose field is `field` or, for one target, `field[index]`.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise FormatError(field, "This must be a list of addresses.", "Send a list of strings.")
    if len(values) > maximum:
        raise FormatError(
            field,
            f"There are {len(values)} targets; one address may have at most {maximum}.",
            "Remove some, or use a mailing list.",
        )
    found: dict[str, str] = {}
    for index, value in enumerate(values):
        target = check_target(value, field=f"{field}[{index}]", own_domain=own_domain)
        if target.lower() in found:
            raise FormatError(
                f"{field}[{index}]", f"“{target}” is in the list twice.", "Remove one of the two."
            )
        found[target.lower()] = target
    return tuple(found.values())


def find_forwarding_loop(
    start: str, targets_of: Callable[[str], Sequence[str]], limit: int = 50
) -> list[str] | None:
    """Return the path from `start` to an address that the path already holds, or None.

    The last address of the path is the one that comes back. `targets_of(address)` gives the targets
    that Rookery knows for an address (none for outside ones). Case does not count. Chains longer than
    `limit` addresses, or more than `limit * MAX_TARGETS` look-ups, raise FormatError: whoever forwards
    that far gets no answer rather than a wrong one.
    """
    settled: set[str] = set()
    path = [start]
    on_path = {start.lower()}
    pending = [iter(targets_of(start))]
    lookups = 1
    while pending:
        following = next(pending[-1], None)
        if following is None:
            pending.pop()
            done = path.pop().lower()
            on_path.discard(done)
            settled.add(done)
            continue
        key = following.lower()
        if key in on_path:
            return [*path, following]
        if key in settled:
            continue
        lookups += 1
        if len(path) >= limit or lookups > limit * MAX_TARGETS:
            raise FormatError(
                "targets",
                f"Mail to {start} would be sent on through more than {limit} addresses.",
                "Choose a target where the mail is read.",
            )
        path.append(following)
        on_path.add(key)
        pending.append(iter(targets_of(following)))
    return None


def _check_created_characters(text: str, shown: str, field: str) -> None:
    if text != text.lower():
        raise FormatError(
            field,
            f"“{shown}” contains upper-case letters, and the mail servers tell them from lower-case ones.",
            f"Use “{text.lower()}”.",
        )
    for position, character in enumerate(text, start=1):
        if character not in _LOCAL_CHARACTERS:
            raise FormatError(
                field,
                f"Character {position} of “{shown}” is “{printable(character)}”.",
                "Use only the letters a to z, digits, dots, hyphens, underscores and plus signs.",
            )


def _check_dots(text: str, field: str, part: str) -> None:
    if text.startswith("."):
        raise FormatError(field, f"The {part} begins with a dot.", "Remove that dot.")
    if text.endswith("."):
        raise FormatError(field, f"The {part} ends with a dot.", "Remove that dot.")
    if ".." in text:
        raise FormatError(field, f"The {part} has two dots in a row.", "Leave one of them out.")


def _check_label(label: str, shown: str, field: str) -> None:
    if not label:
        raise FormatError(field, f"“{shown}” has a dot too many.", "Remove it.")
    if len(label) > 63:
        raise FormatError(
            field,
            f"A part of “{shown}” is {len(label)} characters long; at most 63 are allowed.",
            "Check it.",
        )
    for character in label:
        if not _LABEL_CHARACTER.fullmatch(character):
            raise FormatError(
                field,
                f"“{shown}” contains “{printable(character)}”.",
                "A host name has only letters, digits, hyphens and dots.",
            )
    if label[0] == "-" or label[-1] == "-":
        raise FormatError(
            field, f"A part of “{shown}” begins or ends with a hyphen.", "Check the name for a mistake."
        )


def _refuse_decoration(text: str, shown: str, field: str) -> None:
    if not text:
        raise FormatError(field, "The address is empty.", "Write an address such as “anna@example.org”.")
    if len(text) > 4 * MAX_ADDRESS:
        raise FormatError(field, "The address is far too long.", "Write one address.")
    for character in text:
        if character.isspace() or ord(character) < 0x20 or ord(character) == 0x7F:
            raise FormatError(
                field, f"“{shown}” contains a space, a line break or a control character.", "Remove it."
            )
    if not text.isascii() and "@" in text and not text.rpartition("@")[0].isascii():
        raise FormatError(
            field,
            f"“{shown}” contains {_first_not_ascii(text)} before the @.",
            "The mail servers carry only ASCII there: use another address of that person.",
        )
    problems = {
        '"': ("has a quoted part, and the quotation marks are lost on the way", "Use another address."),
        "<": ("has a display name or angle brackets", "Write only the address itself."),
        ">": ("has a display name or angle brackets", "Write only the address itself."),
        ",": ("has a comma, and only the first of several addresses would be read", "Add each one alone."),
        ";": ("has a semicolon", "Write one address."),
        "[": ("names a machine by its number", "Use an address whose domain is a name."),
    }
    for character, (problem, fix) in problems.items():
        if character in text:
            raise FormatError(field, f"“{shown}” {problem}.", fix)


def _check_target_local(local: str, shown: str, field: str) -> None:
    if len(local) > MAX_LOCAL_PART:
        raise FormatError(
            field,
            f"The part before the @ is {len(local)} characters long; at most {MAX_LOCAL_PART} are allowed.",
            "Check it for a mistake.",
        )
    _check_dots(local, field, "part before the @")
    for character in local:
        if character != "." and not _ATEXT.fullmatch(character):
            raise FormatError(
                field,
                f"“{shown}” contains “{printable(character)}”, which no plain address has.",
                "Check the address.",
            )
    if local.lower() == "postmaster":
        raise FormatError(
            field,
            f"“{shown}” is a postmaster: the relay gives that name a meaning of its own and could send such"
            " mail to everybody.",
            "Use a personal address.",
        )


def _first_not_ascii(text: str) -> str:
    character = next(character for character in text if not character.isascii())
    return f"“{printable(character)}” (U+{ord(character):04X})"


def _ascii_form(host: str) -> str:
    # The standard codec follows IDNA 2003, which turns these two into other names than IDNA 2008 does.
    if not set("ßς\u200c\u200d") & set(host):
        try:
            converted = host.encode("idna").decode("ascii").lower()
        except UnicodeError:
            converted = ""
        if "xn--" in converted and len(converted) <= MAX_HOST_NAME:
            return f"Write it in its ASCII form: “{converted}”."
    return "Write it in its ASCII form, which begins with “xn--”."
