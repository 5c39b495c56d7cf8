"""One SMTP conversation as ptt's library leads it, and the server around it.

ptt (80411d4) takes one mail for each connection and after it only QUIT; wants HELO first; closes the
connection on anything that it cannot parse; lets 25 bad commands pass; takes 100 recipients, 10,000,000
bytes and 20 sessions at once (the 21st waits). The mail is taken out of the conversation here, what happens
with it is the role's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from tenants.formats.forward_path import ForwardPath
from workers.sandbox import paths
from workers.sandbox.acceptor import CLOSING_TIMEOUT, HANDSHAKE_TIMEOUT, Acceptor, streams
from workers.sandbox.listener import Console, clean, loopback

GOODBYE = 221
MAX_MAIL = 10_000_000  # bytes
MAX_RECIPIENTS = 100
MAX_BAD_COMMANDS = 25
MAX_SESSIONS = 20
MAX_WAITING = 80
MAX_LINE = 65_536
IDLE_TIMEOUT = 60.0  # seconds for the next line
SESSION_TIMEOUT = 600.0  # seconds for a whole conversation


class CloseSessionError(Exception):
    """End this conversation; the text goes to the console. `politely`: the client said QUIT."""

    def __init__(self, text: str, *, politely: bool = False) -> None:
        super().__init__(text)
        self.politely = politely


class ServerDiesError(Exception):
    """Something raised where ptt catches nothing: the whole server stops until it is restarted."""


Parting = Callable[[tuple[str, int], CloseSessionError], None]


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: envelope and content (CRLF lines, dots unstuffed), and the address that it came from.
    `sender` None is the null sender."""

    helo: str
    sender: ForwardPath | None
    recipients: tuple[ForwardPath, ...]
    content: bytes = field(repr=False)
    client: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a server; the defaults are ptt's, or the sandbox's own for time."""

    mail_bytes: int = MAX_MAIL
    sessions: int = MAX_SESSIONS
    idle: float = IDLE_TIMEOUT
    session: float = SESSION_TIMEOUT


class Conversation:
    """The wire of one connection: lines in, replies out, all bounded."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
        self._reader, self._writer, self.limits = reader, writer, limits
        self._in_tls = False

    @property
    def client(self) -> str:
        """The address of the other side."""
        return self.peer[0]

    @property
    def peer(self) -> tuple[str, int]:
        """Address and port of the other side."""
        found = self._writer.get_extra_info("peername")
        return (str(found[0]), int(found[1])) if found else ("", 0)

    async def line(self) -> bytes:
        """The next line without its CRLF. Raises CloseSessionError at the end, after idle time, or if too
        long."""
        try:
            # Not `wait_for`, which can swallow a cancellation in Python 3.11.
            async with asyncio.timeout(self.limits.idle):
                raw = await self._reader.readuntil(b"\r\n")
        except asyncio.IncompleteReadError:
            raise CloseSessionError("the client hung up") from None
        except asyncio.LimitOverrunError:
            raise CloseSessionError("line too long") from None
        except TimeoutError:
            raise CloseSessionError("the client was silent for too long") from None
        return raw[:-2]

    async def command(self) -> tuple[str, str]:
        """The next command: its word in upper case and the rest of the line as it came."""
        line = await self.line()
        word, _, rest = line.decode("utf-8", "surrogateescape").partition(" ")
        return word.upper(), rest

    async def reply(self, code: int, *lines: str) -> None:
        """Send a reply of one or several lines."""
        for number, text in enumerate(lines, 1):
            self._writer.write(
                f"{code}{' ' if number == len(lines) else '-'}{text}\r\n".encode("ascii", "replace")
            )
        async with asyncio.timeout(self.limits.idle):
            await self._writer.drain()

    async def start_tls(self, tls: ssl.SSLContext) -> None:
        """Go on in TLS (RFC 3207); what was sent in clear text after the command is forgotten. Raises
        OSError."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=MAX_LINE, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport = await loop.start_tls(
            self._writer.transport,
            protocol,
            tls,
            server_side=True,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            ssl_shutdown_timeout=CLOSING_TIMEOUT,
        )
        if transport is None:
            raise ConnectionAbortedError("the client went away in the handshake")
        protocol.connection_made(transport)
        self._reader, self._writer = reader, asyncio.StreamWriter(transport, protocol, reader, loop)
        self._in_tls = True

    async def say_goodbye(self) -> None:
        """End TLS as one should, if it was begun here."""
        if self._in_tls:
            self._writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSING_TIMEOUT):
                    await self._writer.wait_closed()

    async def bye(self, code: int, text: str) -> CloseSessionError:
        """Send a last reply; the caller raises the result."""
        await self.reply(code, text)
        return CloseSessionError(f"{code} {text}", politely=code == GOODBYE)


@dataclass(slots=True)
class Envelope:
    """What MAIL FROM and RCPT TO said."""

    sender: ForwardPath | None
    recipients: list[ForwardPath] = field(default_factory=list)


class SmtpServer:
    """A server at one loopback address. `port` 0 takes a free one; see `address` after `start`."""

    extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8")
    one_mail_only = True
    on_parting: Parting | None = None
    """Says that a conversation is over, with whom and why; the console does where nobody else is to."""
    deliver_before_reply = False

    def __init__(
        self,
        *,
        host: str,
        port: int,
        name: str,
        console: Console,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        on_death: Callable[[str], None] | None = None,
    ) -> None:
        self.host, self.port, self.name, self.console = loopback(host), port, name, console
        self.limits = limits or Limits()
        self._tls, self.on_death = tls, on_death
        self._acceptor: Acceptor | None = None
        self._slots = asyncio.Semaphore(self.limits.sessions)
        self._work: set[asyncio.Task[None]] = set()

    # What a role changes

    async def authenticate(self, talk: Conversation) -> None:
        """Before the mail: a role that wants a login asks for it here."""

    def takes(self, recipient: ForwardPath) -> bool:
        """Whether a recipient is taken at all: ptt's servers take everybody."""
        del recipient
        return True

    async def accept(
        self, talk: Conversation, envelope: Envelope
    ) -> Callable[[Mail], Coroutine[Any, Any, None]]:
        """At DATA: refuse (raise CloseSessionError), die (ServerDiesError), or say what to do with the
        mail."""
        raise NotImplementedError

    # Life

    async def listen(self) -> None:
        """Open the socket. Raises OSError when the address is taken."""
        # The protocol is named because asyncio sets TCP_NODELAY only then.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            self._acceptor = Acceptor(listener, self._session, most=self.limits.sessions + MAX_WAITING)
            self._acceptor.start()
        except BaseException:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        self.console.write("info", f"listening on {self.host}:{self.port}")

    async def close(self) -> None:
        """Close the socket and every connection; what was not delivered is lost, as in a unikernel."""
        if self._acceptor is not None:
            await self._acceptor.close()
        current = asyncio.current_task()
        running = [task for task in self._work if task is not current]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def settle(self) -> bool:
        """Wait until the mails accepted so far went on their way; tell whether there were any (for tests)."""
        waiting = list(self._work)
        await asyncio.gather(*waiting, return_exceptions=True)
        return bool(waiting)

    async def _session(self, connection: socket.socket) -> None:
        try:
            async with (
                asyncio.timeout(self.limits.session),
                self._slots,
                streams(connection, limit=MAX_LINE, tls=self._tls) as (reader, writer),
            ):
                talk = Conversation(reader, writer, self.limits)
                await self._guarded(talk)
                await talk.say_goodbye()
        except (OSError, TimeoutError) as error:
            self.console.write("info", f"connection lost: {type(error).__name__}")

    async def _guarded(self, talk: Conversation) -> None:
        try:
            await self._converse(talk)
        except CloseSessionError as why:
            if self.on_parting is not None:
                self.on_parting(talk.peer, why)
            else:
                self.console.write("info", f"connection closed: {why}")
        except ServerDiesError as why:
            self.console.write("error", f"Fatal error: exception {why}; stopped until the next restart")
            self._die(str(why))

    def _die(self, reason: str) -> None:
        if self.on_death is not None:
            self.on_death(reason)
        self._begin(self.close())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    # The conversation

    async def _converse(self, talk: Conversation) -> None:
        await talk.reply(220, f"{self.name} ESMTP")
        word, helo = await talk.command()
        if word == "QUIT":
            raise await talk.bye(221, "Bye")
        if word not in ("HELO", "EHLO") or not helo:
            raise CloseSessionError("the first command was not EHLO")
        extensions = (*self.extensions, f"SIZE {self.limits.mail_bytes}") if word == "EHLO" else ()
        await talk.reply(250, f"{self.name} at your service", *extensions)
        await self.authenticate(talk)
        while True:
            envelope = await self._envelope(talk)
            deliver = await self.accept(talk, envelope)
            await talk.reply(354, "End the mail with <CR><LF>.<CR><LF>")
            content = await self._content(talk)
            mail = Mail(clean(helo, 200), envelope.sender, tuple(envelope.recipients), content, talk.client)
            if self.deliver_before_reply:
                await deliver(mail)
            else:
                self._begin(deliver(mail))
            await talk.reply(250, "Mail accepted")
            if self.one_mail_only:
                word, _ = await talk.command()
                if word != "QUIT":
                    raise CloseSessionError("only QUIT may follow a mail")
                raise await talk.bye(221, "Bye")

    async def _envelope(self, talk: Conversation) -> Envelope:
        bad = resets = 0
        envelope: Envelope | None = None
        while bad < MAX_BAD_COMMANDS and resets < MAX_BAD_COMMANDS:
            word, rest = await talk.command()
            if word == "QUIT":
                raise await talk.bye(221, "Bye")
            if word == "RSET":
                resets, envelope = resets + 1, None
                await talk.reply(250, "Reset")
            elif word == "MAIL" and envelope is None:
                envelope = Envelope(_reverse_path(rest))
                await talk.reply(250, "Sender accepted")
            elif word == "RCPT" and envelope is not None:
                if len(envelope.recipients) >= MAX_RECIPIENTS:
                    raise await talk.bye(452, "Too many recipients")
                recipient = _forward_path(rest)
                if not self.takes(recipient):
                    bad += 1
                    await talk.reply(550, "That domain is not served here")
                    continue
                envelope.recipients.append(recipient)
                await talk.reply(250, "Recipient accepted")
            elif word == "DATA" and envelope is not None:
                if not envelope.recipients:
                    raise await talk.bye(554, "No recipients")
                return envelope
            else:
                bad += 1
                await talk.reply(503, "Command out of sequence")
        raise await talk.bye(554, "Too many bad commands")

    async def _content(self, talk: Conversation) -> bytes:
        lines: list[bytes] = []
        size = 0
        while size < self.limits.mail_bytes:
            line = await talk.line()
            if line == b".":
                return b"".join(lines)
            line = line.removeprefix(b".") + b"\r\n"
            size += len(line)
            lines.append(line)
        raise CloseSessionError(f"Too big data: the mail is larger than {self.limits.mail_bytes} bytes")


def _reverse_path(rest: str) -> ForwardPath | None:
    if rest[:5].upper() != "FROM:":
        raise CloseSessionError("bad MAIL command")
    try:
        return paths.sender(rest[5:])
    except paths.PathError as error:
        raise CloseSessionError(f"invalid reverse-path: {clean(rest[5:], 120)} ({error})") from None


def _forward_path(rest: str) -> ForwardPath:
    if rest[:3].upper() != "TO:":
        raise CloseSessionError("bad RCPT command")
    try:
        return paths.recipient(rest[3:])
    except paths.PathError as error:
        raise CloseSessionError(f"invalid forward-path: {clean(rest[3:], 120)} ({error})") from None
