"""SMTP AUTH as ptt's submission server does it: PLAIN only, two looks at a passphrase, then the door
closes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from tenants.formats.mailbox_syntax import LocalPart, parse_local_part
from workers.sandbox.listener import Console
from workers.sandbox.smtp import MAX_BAD_COMMANDS, Conversation

#: ptt counts the third AUTH command, answers it with 554 without looking at it, and hangs up.
MAX_TRIES = 3
MAX_BLOB = 12_288


def verdict(blob: bytes, *, stamp: bytes | None, digests: Mapping[LocalPart, bytes]) -> str | None:
    """None when the answer to AUTH PLAIN (RFC 4616) logs in, else the reason why not (never with the
    passphrase).

    `stamp` is what a two-step client has to send back as authorization identity; in the one-step form there
    must be none.
    """
    try:
        decoded = base64.b64decode(blob + b"=" * (-len(blob) % 4), validate=True)
    except (binascii.Error, ValueError):
        return "the answer is not base64"
    parts = decoded.split(b"\0", 2)
    if len(parts) != 3:
        return "the answer has not three parts"
    identity, name, passphrase = parts
    if not hmac.compare_digest(identity, stamp or b""):
        return "invalid stamp" if stamp else "an authorization identity was sent"
    local = parse_local_part(name)
    if local is None:
        return "invalid user name (only the part before the @ is one)"
    known = digests.get(local)
    given = hashlib.blake2b(passphrase).digest()
    if known is None:
        return "unknown user"
    return None if hmac.compare_digest(known, given) else "wrong passphrase"


async def authenticate(talk: Conversation, *, digests: Mapping[LocalPart, bytes], console: Console) -> None:
    """Lead the conversation until somebody is logged in. Raises CloseSessionError otherwise."""
    tries = 0
    while True:
        blob = await _next_auth(talk)
        tries += 1
        if tries >= MAX_TRIES:
            raise await talk.bye(554, "Too many tries")
        stamp: bytes | None = None
        if blob is None:
            stamp = bytes(secrets.randbelow(255) + 1 for _ in range(16))
            await talk.reply(334, base64.b64encode(stamp).decode("ascii"))
            blob = await talk.line()
        reason = verdict(blob[:MAX_BLOB], stamp=stamp, digests=digests)
        if reason is None:
            await talk.reply(235, "Logged in")
            return
        console.write("error", f"authentication failed: {reason}")
        await talk.reply(535, "Bad authentication")


async def _next_auth(talk: Conversation) -> bytes | None:
    """The initial response of the next AUTH PLAIN, or None for its two-step form."""
    bad = resets = 0
    while bad < MAX_BAD_COMMANDS and resets < MAX_BAD_COMMANDS:
        word, rest = await talk.command()
        if word == "QUIT":
            raise await talk.bye(221, "Bye")
        if word == "RSET":
            resets += 1
            await talk.reply(250, "Reset")
            continue
        if word == "AUTH":
            mechanism, *answer = rest.split() or [""]
            if mechanism.upper() == "PLAIN" and len(answer) <= 1:
                return answer[0].encode("utf-8", "surrogateescape") if answer else None
            bad += 1
            await talk.reply(504, "Unrecognized authentication")
            continue
        bad += 1
        await talk.reply(530, "Authentication required")
    raise await talk.bye(554, "Too many bad commands")
