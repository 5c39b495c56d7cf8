"""A trial of a mail server: banner, TLS with the right name, signing in, a recipient. It ends before any mail
begins, so nothing is sent."""

from __future__ import annotations

import base64
import ssl
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address

from workers.probes.ports import PortDialer, dial_plug
from workers.probes.seen import Proved, Silent, read_certificate
from workers.probes.smtp import Entry
from workers.probes.talk import BrokenTalkError, Talk, believing, why
from workers.zone.server import Deadline

__all__ = ["Trial", "try_server"]


@dataclass(frozen=True)
class Trial:
    """What is tried: `host` is the name that the certificate must have; `entry` is TLS or STARTTLS.

    Who signs in writes as `sender`. `recipient` is asked for where it is not empty.
    """

    entry: Entry
    host: str
    now: datetime
    recipient: str = ""
    sender: str = ""
    passphrase: str = field(default="", repr=False)


def try_server(
    dialer: PortDialer, place: tuple[IPv4Address, int], trial: Trial, *, seconds: float = 4.0
) -> Proved | Silent:
    """Try once, for at most `seconds`. Never raises for what the server does."""
    until = Deadline(seconds)
    try:
        with closing(Talk(dial_plug(dialer, *place, until.left()), until)) as talk:
            return _tried(talk, trial)
    except (ssl.SSLError, OSError, BrokenTalkError) as problem:
        return Silent(why(problem))


def _tried(talk: Talk, trial: Trial) -> Proved | Silent:
    if trial.entry is Entry.TLS:
        talk.secure(believing(), trial.host)
    proof = {"banner": talk.expect("220")[:200]}
    offers = talk.greet("localhost")
    if trial.entry is Entry.STARTTLS:
        if talk.say("STARTTLS")[0] != "220":
            return Silent("it refuses STARTTLS")
        talk.secure(believing(), trial.host)
        offers = talk.greet("localhost")
    certificate = read_certificate(talk.shown)
    if certificate is None or (problem := certificate.problem(trial.host, trial.now)):
        return Silent("its certificate cannot be read" if certificate is None else problem)
    proof["certificate"] = f"for {trial.host}, until {certificate.valid_until:%Y-%m-%d %H:%M} UTC"
    if trial.entry is Entry.TLS and not trial.passphrase:
        proof["AUTH"] = "offered; not tried, for there is no account to try it with"
        offered = "PLAIN" in offers.get("AUTH", ())
        return Proved(proof) if offered else Silent("it does not offer AUTH PLAIN")
    return _talked(talk, trial, proof)


def _talked(talk: Talk, trial: Trial, proof: dict[str, str]) -> Proved | Silent:
    if trial.passphrase:
        # ptt knows people by what stands before the @.
        words = f"\0{trial.sender.partition('@')[0]}\0{trial.passphrase}".encode()
        code, _ = talk.say(f"AUTH PLAIN {base64.b64encode(words).decode('ascii')}")
        if code != "235":
            # A server may repeat what it was told: its words are not shown.
            return Silent(f"it does not let {trial.sender} sign in: {code}")
        proof["AUTH"] = f"{trial.sender} was let in"
    if not trial.recipient:
        return Proved({**proof, "recipient": "not tried, for the domain has no address yet"})
    for line in (f"MAIL FROM:<{trial.sender}>", f"RCPT TO:<{trial.recipient}>"):
        code, said = talk.say(line)
        if code != "250":
            return Silent(f"it answers {line.partition(':')[0]} with “{code} {said[:80]}”")
    talk.say("RSET")
    return Proved({**proof, "recipient": f"{trial.recipient} would be taken"})
