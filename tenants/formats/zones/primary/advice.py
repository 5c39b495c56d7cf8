"""What to do about a file that the primary cannot read: the mistakes that people make, told by their looks.

The primary names a line, or nothing at all. Most such files are right for BIND and wrong here: TTLs with
units, `$INCLUDE`, line ends of Windows.
"""

from __future__ import annotations

import re

from tenants.formats.text import printable

__all__ = ["advice", "line_of"]

_LONGEST_LINE = 2000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _word(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?<![^ \t(])(?:" + pattern + rb")(?![^ \t);])", re.IGNORECASE)


_LOOKS = (
    (re.compile(rb"\r"), "Save the file with the line ends of Unix (LF), not those of Windows (CR LF)."),
    (re.compile(rb"^\$(?!ORIGIN\b|TTL\b)(?i:ORIGIN|TTL)\b"), "Write {0} in capitals."),
    (re.compile(rb"^\$(?!ORIGIN\b|TTL\b)[A-Za-z]++"), "Write out what {0} stands for."),
    (_word(rb"(?:[0-9]++[wdhms])++"), "Write {0} as seconds; an hour is 3600, a day 86400."),
    (_word(rb"[0-9]{11,20}"), "Use at most ten digits: a serial may be a date and two more, 2026112101."),
    (_word(rb"SPF"), "Publish the same text as TXT."),
    (_word(rb"NAPTR|URI|OPENPGPKEY|SMIMEA|CERT"), "Write the {0} record by its number (RFC 3597)."),
    (_word(rb"DNAME|ALIAS|ANAME|RRSIG|NSEC3?|NSEC3PARAM"), "Leave the {0} record out."),
    (_word(rb"CLASS[0-9]++|CH|CS|HS"), "Write IN in place of {0}, or leave the record out."),
    (re.compile(rb"^[#/]"), "Begin a comment with a semicolon."),
    (_word(rb"[a-z0-9-]++=[^ \t]*+"), "Put the text in quotes."),
)


def line_of(data: bytes, position: int) -> int:
    """Return the number, from 1, of the line with a byte."""
    return data.count(b"\n", 0, position) + 1


def advice(data: bytes, position: int) -> str:
    """Return how to mend a file that cannot be read from a byte on, in a sentence."""
    if not data.strip():
        return "Write the zone into it, with an SOA record."
    start = data.rfind(b"\n", 0, position) + 1
    if start == 0 and data.startswith(_BYTE_ORDER_MARK):
        return "Save the file without a byte order mark (BOM)."
    line = data[start : start + _LONGEST_LINE].partition(b"\n")[0]
    for look, sentence in _LOOKS:
        if found := look.search(line):
            return sentence.format(printable(found[0], 40))
    return "Correct the line, or remove it."
