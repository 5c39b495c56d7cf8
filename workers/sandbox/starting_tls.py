"""STARTTLS as ptt's servers want it: before anything else, and EHLO again."""

from __future__ import annotations

import ssl

from workers.sandbox.smtp import MAX_BAD_COMMANDS, Conversation, SmtpServer

__all__ = ["begin_tls"]


async def begin_tls(server: SmtpServer, talk: Conversation, certificate: ssl.SSLContext) -> None:
    """Lead a conversation into TLS. Raises CloseSessionError, and OSError of a handshake that fails."""
    for _ in range(MAX_BAD_COMMANDS):
        word, rest = await talk.command()
        if word == "QUIT":
            raise await talk.bye(221, "Bye")
        if word == "STARTTLS" and not rest:
            await talk.reply(220, "Go ahead")
            await talk.start_tls(certificate)
            word, rest = await talk.command()
            if word not in ("HELO", "EHLO") or not rest:
                raise await talk.bye(503, "EHLO first")
            kept = (*SmtpServer.extensions, f"SIZE {server.limits.mail_bytes}")
            await talk.reply(250, f"{server.name} at your service", *kept)
            return
        await talk.reply(530, "Must issue a STARTTLS command first")
    raise await talk.bye(554, "Too many bad commands")
