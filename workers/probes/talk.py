"""An SMTP conversation on any connection, with TLS on top of it. Whatever comes is bounded."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from tenants.formats.canary import Answer
from tenants.formats.text import printable
from workers.plug import Plug
from workers.zone.server import Deadline

__all__ = ["BrokenTalkError", "Talk", "believing", "why"]

_MOST_LINES, _MOST_LINE = 60, 1_000
_MOST_HANDSHAKE = 131_072
_PIECE = 4_096
_GOODBYE_SECONDS = 0.2
_MOST_ANSWERS = 20
_T = TypeVar("_T")


class BrokenTalkError(Exception):
    """The other side does not speak SMTP as it should; the message says how."""


class Talk:
    """Calls raise BrokenTalkError, and OSError when the connection broke or the time is over."""

    def __init__(self, plug: Plug, until: Deadline) -> None:
        self._plug, self._until, self._kept = plug, until, b""
        self._tls: _Tls | None = None
        self._began, self._asked = time.monotonic(), ""
        self.answers: list[Answer] = []
        """The first twenty that came, without secrets of what was asked."""

    def close(self) -> None:
        """Say goodbye if that is possible at once."""
        with suppress(OSError):
            self._plug.settimeout(_GOODBYE_SECONDS)
            self._plug.sendall(b"QUIT\r\n")
        self._plug.close()

    def expect(self, code: str) -> str:
        """The text of the answer that must come now."""
        found, said = self._answer()
        if found != code:
            raise BrokenTalkError(f"it said “{printable(f'{found} {said}', 80)}” instead of {code}")
        return said

    def greet(self, helo: str) -> Mapping[str, tuple[str, ...]]:
        """The extensions that the server offers, each with its words, in capitals; none where it knows HELO
        only."""
        code, said = self.say(f"EHLO {helo}")
        if code == "250":
            lines = [line.upper().split() for line in said.splitlines()[1:]]
            return {words[0]: tuple(words[1:]) for words in lines if words}
        code, said = self.say(f"HELO {helo}")
        if code != "250":
            raise BrokenTalkError(f"it says “{printable(said, 200)}”")
        return {}

    def say(self, line: str) -> tuple[str, str]:
        """The code and the text of the answer."""
        self._plug.settimeout(self._until.left())
        self._plug.sendall(line.encode("ascii") + b"\r\n")
        self._asked = "AUTH PLAIN" if line.startswith("AUTH ") else line
        return self._answer()

    def deliver(self, content: bytes) -> tuple[str, str]:
        """Send a message (lines end with CRLF) after the answer to DATA; the code and the text of what the
        server says of it."""
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        stuffed = b"." + stuffed if stuffed.startswith(b".") else stuffed
        self._plug.settimeout(self._until.left())
        self._plug.sendall(stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"))
        self._asked = "the message"
        return self._answer()

    def secure(self, context: ssl.SSLContext, host: str | None) -> None:
        """Make a TLS connection; `host` is the name that is asked for. Raises ssl.SSLError."""
        if self._kept:
            raise BrokenTalkError("it talks before TLS has begun")
        tls = _Tls(self._plug, self._until, context, host)
        tls.shake_hands()
        self._plug = self._tls = tls
        self._asked = ""

    @property
    def shown(self) -> bytes | None:
        """The certificate that it showed."""
        return self._tls.certificate if self._tls else None

    def _answer(self) -> tuple[str, str]:
        texts: list[str] = []
        for _ in range(_MOST_LINES):
            line = self._line()
            if len(line) < 3 or not line[:3].isdigit():
                raise BrokenTalkError(f"it does not speak SMTP: “{printable(line, 80)}” instead of 220")
            texts.append(printable(line[4:], 300))
            if line[3:4] != b"-":
                code, said = line[:3].decode("ascii"), "\n".join(texts)
                self._note(f"{code} {said}")
                return code, said
        raise BrokenTalkError("its answer does not end")

    def _note(self, said: str) -> None:
        if len(self.answers) < _MOST_ANSWERS:
            after = round((time.monotonic() - self._began) * 1000)
            text = printable(said.replace("\n", " | "), 300)
            self.answers.append(Answer(after, printable(self._asked, 300), text))

    def _line(self) -> bytes:
        while b"\n" not in self._kept:
            if len(self._kept) > _MOST_LINE:
                raise BrokenTalkError(
                    f"its lines do not end: “{printable(self._kept[:20], 20)}” instead of 220"
                )
            self._plug.settimeout(self._until.left())
            piece = self._plug.recv(_PIECE)
            if not piece:
                raise BrokenTalkError(f"it closed the connection{'' if self._kept else ' at once'}")
            self._kept += piece
        line, _, self._kept = self._kept.partition(b"\n")
        if len(line) > _MOST_LINE:
            raise BrokenTalkError("its lines do not end")
        return line.rstrip(b"\r")


class _Tls:
    """TLS over something that need be no socket of ours."""

    def __init__(self, plug: Plug, until: Deadline, context: ssl.SSLContext, host: str | None) -> None:
        self._plug, self._until, self._came = plug, until, 0
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)

    @property
    def certificate(self) -> bytes | None:
        return self._tls.getpeercert(binary_form=True)

    def shake_hands(self) -> None:
        self._until_done(self._tls.do_handshake)
        self._came = 0

    def settimeout(self, value: float | None, /) -> None:
        self._plug.settimeout(value)

    def recv(self, bufsize: int, /) -> bytes:
        try:
            return self._until_done(lambda: self._tls.read(bufsize))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def send(self, data: bytes, /) -> int:
        self.sendall(data)
        return len(data)

    def sendall(self, data: bytes, /) -> None:
        while data:
            data = data[self._until_done(lambda sent=data: self._tls.write(sent)) :]  # type: ignore[misc]

    def close(self) -> None:
        self._plug.close()

    def _until_done(self, step: Callable[[], _T]) -> _T:
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                self._more()
                continue
            except ssl.SSLError:
                with suppress(OSError):
                    self._flush()  # what TLS says of it
                raise
            self._flush()
            return done

    def _more(self) -> None:
        self._plug.settimeout(self._until.left())
        part = self._plug.recv(_PIECE)
        self._came += len(part)
        if not part or self._came > _MOST_HANDSHAKE:
            raise ConnectionResetError("it ended in the middle of TLS")
        self._in.write(part)

    def _flush(self) -> None:
        if self._out.pending:
            self._plug.sendall(self._out.read())


def believing() -> ssl.SSLContext:
    """For reading what nobody need believe."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def why(error: Exception) -> str:
    """Why a conversation came to nothing, in a few harmless words."""
    if isinstance(error, TimeoutError):
        return "it said nothing in time"
    if isinstance(error, ssl.SSLError):
        return f"it speaks no TLS ({printable(error.reason or str(error), 100)})"
    if isinstance(error, OSError):
        return printable(error.strerror or str(error), 200)
    return printable(str(error).replace("\n", " "), 200)
