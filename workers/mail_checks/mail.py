"""Conversations with mail servers: do they answer, with TLS to be believed; do they relay for strangers.

Nothing is ever sent: a conversation ends before DATA.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tenants.formats.mail_checks.reading import Connect, Connected, Relay, Relayed
from tenants.formats.text import printable
from workers.mail_checks.way import Way
from workers.zone.server import Deadline

__all__ = ["STRANGER", "Mail"]

STRANGER = "relay-check@example.com"
"""A recipient that no mail server has: example.com takes no mail (RFC 2606, RFC 7505)."""
_MOST_LINES, _MOST_LINE = 60, 1_000


class _Broken(Exception):
    """The other side does not speak SMTP as it should; the message says how."""


@dataclass(frozen=True)
class Mail:
    """`helo` is the name by which Rookery greets; `seconds` are for each conversation."""

    way: Way
    helo: str = "localhost"
    seconds: float = 10.0
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def connect(self, question: Connect) -> Connected:
        """Look at a port twice if its certificate is not believed: then to read what it says."""
        try:
            return self._look(question, self.trust, "")
        except ssl.SSLCertVerificationError as error:
            said = printable(error.verify_message or "it is not trusted", 200).removesuffix(".")
        except (OSError, _Broken) as error:
            return Connected(problem=_reason(error))
        try:
            return self._look(question, _believing(), said)
        except (OSError, _Broken):
            return Connected(distrust=said)

    def relay(self, question: Relay) -> Relayed:
        """Ask whether the server takes a stranger's mail for a stranger."""
        try:
            with self._dialled(question.address, 25) as talk:
                talk.expect("220")
                if "STARTTLS" in talk.greet(self.helo) and talk.say("STARTTLS")[0] == "220":
                    talk.secure(_believing(), None)  # ptt's verifiers listen to nothing before it
                    talk.greet(self.helo)
                code, said = talk.say("MAIL FROM:<>")
                if code[:1] != "2":
                    return Relayed(None, said)
                code, said = talk.say(f"RCPT TO:<{STRANGER}>")
                return Relayed({"2": True, "5": False}.get(code[:1]), said)
        except (OSError, _Broken) as error:
            return Relayed(None, _reason(error))

    def _look(self, question: Connect, context: ssl.SSLContext, distrust: str) -> Connected:
        with self._dialled(question.address, question.port) as talk:
            at_once = question.port == 465
            if not at_once and (problem := talk.start_tls(self.helo)):
                return Connected(tls_problem=problem)
            try:
                talk.secure(context, question.host)
            except ssl.SSLCertVerificationError:
                raise
            except (ssl.SSLError, ConnectionError) as error:
                return Connected(tls_problem=_reason(error))
            if at_once:
                talk.expect("220")
            return talk.seen(distrust)

    @contextmanager
    def _dialled(self, address: str, port: int) -> Iterator[_Talk]:
        until = Deadline(self.seconds)
        dialled = socket.create_connection((address, self.way(address, port)), until.left())
        talk = _Talk(dialled, until)
        try:
            yield talk
        finally:
            talk.close()


class _Talk:
    def __init__(self, connection: socket.socket, until: Deadline) -> None:
        self._connection, self._until, self._kept = connection, until, b""

    def close(self) -> None:
        try:
            self._connection.settimeout(0.2)
            self._connection.sendall(b"QUIT\r\n")
        except OSError:
            pass
        self._connection.close()

    def start_tls(self, helo: str) -> str:
        """Ask for TLS; returns why there is none, if so."""
        self.expect("220")
        if "STARTTLS" not in self.greet(helo):
            return "it does not offer STARTTLS"
        code, said = self.say("STARTTLS")
        return "" if code == "220" else said or "it refuses"

    def secure(self, context: ssl.SSLContext, host: str | None) -> None:
        if self._kept:
            raise _Broken("it talks before TLS has begun")
        self._connection.settimeout(self._until.left())
        self._connection = context.wrap_socket(self._connection, server_hostname=host)

    def expect(self, code: str) -> None:
        found, said = self._answer()
        if found != code:
            raise _Broken(f"it says “{said}”")

    def greet(self, helo: str) -> set[str]:
        """The extensions that the server offers; none where it knows HELO only."""
        code, said = self.say(f"EHLO {helo}")
        if code == "250":
            return {line.split()[0].upper() for line in said.splitlines()[1:] if line.split()}
        code, said = self.say(f"HELO {helo}")
        if code != "250":
            raise _Broken(f"it says “{printable(said, 200)}”")
        return set()

    def say(self, line: str) -> tuple[str, str]:
        """The code and the text of the answer."""
        self._connection.settimeout(self._until.left())
        self._connection.sendall(line.encode("ascii") + b"\r\n")
        return self._answer()

    def seen(self, distrust: str) -> Connected:
        shown = (
            self._connection.getpeercert(binary_form=True)
            if isinstance(self._connection, ssl.SSLSocket)
            else None
        )
        try:
            certificate = x509.load_der_x509_certificate(shown or b"")
            key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return Connected(
                distrust=distrust,
                valid_until=certificate.not_valid_after_utc,
                certificate=shown or b"",
                public_key=key,
            )
        except Exception:  # a foreign certificate may be wrong in any way
            return Connected(distrust=distrust or "it cannot be read")

    def _answer(self) -> tuple[str, str]:
        texts: list[str] = []
        for _ in range(_MOST_LINES):
            line = self._line()
            if len(line) < 3 or not line[:3].isdigit():
                raise _Broken("it does not speak SMTP")
            texts.append(printable(line[4:], 300))
            if line[3:4] != b"-":
                return line[:3].decode("ascii"), "\n".join(texts)
        raise _Broken("its answer does not end")

    def _line(self) -> bytes:
        while b"\n" not in self._kept:
            if len(self._kept) > _MOST_LINE:
                raise _Broken("its lines do not end")
            self._connection.settimeout(self._until.left())
            piece = self._connection.recv(4096)
            if not piece:
                raise _Broken("it hangs up")
            self._kept += piece
        line, _, self._kept = self._kept.partition(b"\n")
        if len(line) > _MOST_LINE:
            raise _Broken("its lines do not end")
        return line.rstrip(b"\r")


def _believing() -> ssl.SSLContext:
    """For reading what nobody believes."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "nobody answered in time"
    if isinstance(error, ssl.SSLError):
        return f"TLS fails ({printable(error.reason or 'no reason', 100)})"
    if isinstance(error, OSError):
        return printable(error.strerror or str(error), 200)
    return printable(str(error).replace("\n", " "), 200)
