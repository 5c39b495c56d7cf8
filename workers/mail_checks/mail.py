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
from workers.probes.talk import BrokenTalkError, Talk, believing, why
from workers.zone.server import Deadline

__all__ = ["STRANGER", "Mail"]

STRANGER = "relay-check@example.com"
"""A recipient that no mail server has: example.com takes no mail (RFC 2606, RFC 7505)."""


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
        except (OSError, BrokenTalkError) as error:
            return Connected(problem=_reason(error))
        try:
            return self._look(question, believing(), said)
        except (OSError, BrokenTalkError):
            return Connected(distrust=said)

    def relay(self, question: Relay) -> Relayed:
        """Ask whether the server takes a stranger's mail for a stranger."""
        try:
            with self._dialled(question.address, 25) as talk:
                talk.expect("220")
                if "STARTTLS" in talk.greet(self.helo) and talk.say("STARTTLS")[0] == "220":
                    talk.secure(believing(), None)  # ptt's verifiers listen to nothing before it
                    talk.greet(self.helo)
                code, said = talk.say("MAIL FROM:<>")
                if code[:1] != "2":
                    return Relayed(None, said)
                code, said = talk.say(f"RCPT TO:<{STRANGER}>")
                return Relayed({"2": True, "5": False}.get(code[:1]), said)
        except (OSError, BrokenTalkError) as error:
            return Relayed(None, _reason(error))

    def _look(self, question: Connect, context: ssl.SSLContext, distrust: str) -> Connected:
        with self._dialled(question.address, question.port) as talk:
            at_once = question.port == 465
            if not at_once and (problem := _start_tls(talk, self.helo)):
                return Connected(tls_problem=problem)
            try:
                talk.secure(context, question.host)
            except ssl.SSLCertVerificationError:
                raise
            except (ssl.SSLError, ConnectionError) as error:
                return Connected(tls_problem=_reason(error))
            if at_once:
                talk.expect("220")
            return _seen(talk.shown, distrust)

    @contextmanager
    def _dialled(self, address: str, port: int) -> Iterator[Talk]:
        until = Deadline(self.seconds)
        dialled = socket.create_connection((address, self.way(address, port)), until.left())
        talk = Talk(dialled, until)
        try:
            yield talk
        finally:
            talk.close()


def _reason(error: Exception) -> str:
    return "nobody answered in time" if isinstance(error, TimeoutError) else why(error)


def _start_tls(talk: Talk, helo: str) -> str:
    """Ask for TLS; returns why there is none, if so."""
    talk.expect("220")
    if "STARTTLS" not in talk.greet(helo):
        return "it does not offer STARTTLS"
    code, said = talk.say("STARTTLS")
    return "" if code == "220" else said or "it refuses"


def _seen(shown: bytes | None, distrust: str) -> Connected:
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
