"""Observing real servers on loopback: name servers, mail servers with and without TLS, and hostile ones."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tenants.formats.mail_checks import Expected, Level
from tenants.formats.mail_checks.reading import (
    Connect,
    Lookup,
    Policy,
    PolicyFile,
    Question,
    Relay,
    Relayed,
    Said,
    Status,
)
from tests.outward.servers import certificate
from workers.mail_checks import Asker, AskNames, Mail, Observer, inside_sandbox, outward
from workers.outward import Fetcher

HOST = "mail.example.org"
HERE = "127.0.0.1"


# Name servers ---------------------------------------------------------------------------------------------


class Names:
    """A name server of example.org and, when asked without recursion for a child, of the zone above."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HERE, 0))
        self.port = int(self.socket.getsockname()[1])
        self.change: Callable[[dns.message.Message], None] = lambda answer: None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                wire, source = self.socket.recvfrom(65_535)
                if not wire:
                    return
                answer = dns.message.make_response(dns.message.from_wire(wire))
                self.change(answer)
                self.socket.sendto(answer.to_wire(), source)

    def stop(self) -> None:
        """Wait until nobody reads: a read that is late would be of whoever has the socket's number then."""
        self.socket.sendto(b"", (HERE, self.port))
        self._thread.join(10)
        self.socket.close()


@pytest.fixture
def names() -> Iterator[Names]:
    made = Names()
    yield made
    made.stop()


def asker(names: Names) -> AskNames:
    return AskNames(inside_sandbox({(HERE, 53): names.port}), [(HERE, names.port)], seconds=0.3)


def rrset(text: str) -> dns.rrset.RRset:
    owner, ttl, kind, data = text.split(" ", 3)
    return dns.rrset.from_text(owner, int(ttl), "IN", kind, data)


@pytest.mark.parametrize(
    ("text", "kind", "record"),
    [
        ("x.example. 60 MX 10 Mail.Example.Org.", "MX", "10 mail.example.org"),
        ("x.example. 60 MX 0 .", "MX", "0 "),
        ('x.example. 60 TXT "ab" "c\\"d"', "TXT", 'abc"d'),
        ('x.example. 60 TXT "\\000\\255"', "TXT", "\\0\\xff"),
        ("x.example. 60 AAAA 2001:db8::1", "AAAA", "2001:db8::1"),
        ('x.example. 60 CAA 0 issue "letsencrypt.org"', "CAA", '0 issue "letsencrypt.org"'),
        ("x.example. 60 TLSA 3 1 1 " + "ab" * 32, "TLSA", "3 1 1 " + "ab" * 32),
        ("x.example. 60 PTR Mail.Example.Org.", "PTR", "mail.example.org"),
    ],
)
def test_records_as_text(names: Names, text: str, kind: str, record: str) -> None:
    names.change = lambda answer: answer.answer.append(rrset(text))
    said = asker(names)(Lookup("x.example", kind))
    assert said == Said(Status.DATA, (record,), 60)


def test_an_alias_is_followed_and_the_shortest_time_counts(names: Names) -> None:
    def change(answer: dns.message.Message) -> None:
        answer.answer += [rrset("x.example. 30 CNAME y.example."), rrset("y.example. 60 A 192.0.2.1")]
        answer.flags |= dns.flags.AD

    names.change = change
    assert asker(names)(Lookup("x.example", "A")) == Said(Status.DATA, ("192.0.2.1",), 30, authentic=True)
    assert asker(names)(Lookup("x.example", "CNAME")).records == ("y.example",)


def test_absence_is_kept_as_long_as_the_zone_says(names: Names) -> None:
    def change(answer: dns.message.Message) -> None:
        answer.set_rcode(dns.rcode.NXDOMAIN)
        answer.authority.append(rrset("example. 900 SOA a. b. 1 2 3 4 600"))

    names.change = change
    assert asker(names)(Lookup("x.example", "A")) == Said(Status.NO_NAME, (), 600)


def test_a_referral_with_glue(names: Names) -> None:
    def change(answer: dns.message.Message) -> None:
        assert not answer.flags & dns.flags.RD
        answer.authority.append(rrset("x.example. 60 NS NS1.x.example."))
        answer.authority.append(rrset("y.example. 60 NS ns1.y.example."))
        answer.additional.append(rrset("ns1.x.example. 60 A 192.0.2.1"))

    names.change = change
    said = asker(names)(Lookup("x.example", "NS", HERE))
    assert (said.referred, said.glue) == (("ns1.x.example",), (("ns1.x.example", "192.0.2.1"),))
    assert (said.status, said.authoritative) == (Status.NO_DATA, False)


def test_an_error_and_silence(names: Names) -> None:
    names.change = lambda answer: answer.set_rcode(dns.rcode.REFUSED)
    assert asker(names)(Lookup("x.example", "A", HERE)).problem == "it answers REFUSED"
    names.change = lambda answer: time.sleep(0.5)
    assert asker(names)(Lookup("x.example", "A", HERE)).problem == "nobody answered in time"


@pytest.mark.parametrize("name", ["a" * 64, "a..b", "x" * 300])
def test_no_name(names: Names, name: str) -> None:
    assert asker(names)(Lookup(name, "A")).failed


def test_nothing_leaves_a_sandbox_and_nothing_private_is_asked_outside() -> None:
    assert AskNames(inside_sandbox({}))(Lookup("x.example", "A", "192.0.2.1")).problem == (
        "it lies outside the sandbox"
    )
    way = outward({"10.0.0.3": 5353})
    assert way("10.0.0.3", 53) == 5353
    with pytest.raises(OSError, match="no public address"):
        way("10.0.0.3", 25)
    assert way("198.41.0.4", 25) == 25
    for address in ("10.0.0.4", HERE, "169.254.169.254", "::1", "::ffff:10.0.0.3"):
        with pytest.raises(OSError, match="no public address"):
            way(address, 25)


# Mail servers ---------------------------------------------------------------------------------------------


class MailServer:
    """Answers by verb; `tls` at once, or after STARTTLS."""

    def __init__(self, folder: Path, *, at_once: bool = False, host: str = HOST) -> None:
        self.pem, key = certificate(host)
        path = folder / f"{host}.pem"
        path.write_text(self.pem + key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path)
        self.at_once = at_once
        self.says = {
            "greeting": "220 ready",
            "EHLO": "250-hello\r\n250-SIZE 1\r\n250 STARTTLS",
            "STARTTLS": "220 go",
            "RCPT": "550 no relaying",
        }
        self.heard: list[str] = []
        self.listener = socket.create_server((HERE, 0))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                taken, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(taken,), daemon=True).start()

    def _serve(self, taken: socket.socket) -> None:
        with suppress(OSError):
            if self.at_once:
                taken = self.context.wrap_socket(taken, server_side=True)
            with taken:
                taken.sendall(self.says["greeting"].encode() + b"\r\n")
                self._talk(taken)

    def _talk(self, talking: socket.socket) -> None:
        kept = b""
        while piece := talking.recv(4096):
            kept += piece
            while b"\r\n" in kept:
                line, _, kept = kept.partition(b"\r\n")
                self.heard.append(line.decode())
                verb = line.split()[0].decode()
                talking.sendall(self.says.get(verb, "250 fine").encode() + b"\r\n")
                if verb == "STARTTLS":
                    with self.context.wrap_socket(talking, server_side=True) as secured:
                        self._talk(secured)
                    return

    def mail(self, trusted: bool = True) -> Mail:
        trust = ssl.create_default_context(cadata=self.pem if trusted else None)
        way = inside_sandbox({(HERE, 25): self.port, (HERE, 465): self.port})
        return Mail(way, "rookery.example", seconds=1.0, trust=trust)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    made = MailServer(tmp_path)
    yield made
    made.listener.close()


AT_25, AT_465 = Connect(HERE, 25, HOST), Connect(HERE, 465, HOST)


def test_a_good_certificate(server: MailServer) -> None:
    seen = server.mail().connect(AT_25)
    assert (seen.problem, seen.tls_problem, seen.distrust) == ("", "", "")
    assert seen.valid_until is not None
    assert seen.valid_until > datetime.now(UTC)
    assert ssl.DER_cert_to_PEM_cert(seen.certificate).strip() == server.pem.strip()
    assert seen.public_key in seen.certificate


def test_tls_at_once(tmp_path: Path) -> None:
    server = MailServer(tmp_path, at_once=True)
    assert server.mail().connect(AT_465).distrust == ""
    assert "self-signed" in server.mail(trusted=False).connect(AT_465).distrust
    server.listener.close()


def test_what_is_not_believed_is_still_read(server: MailServer) -> None:
    seen = server.mail(trusted=False).connect(AT_25)
    assert "self-signed" in seen.distrust
    assert seen.certificate
    other = server.mail().connect(replace(AT_25, host="other.example.org"))
    assert "other.example.org" in other.distrust


@pytest.mark.parametrize(
    ("verb", "said", "words"),
    [
        ("EHLO", "250 hello", "does not offer STARTTLS"),
        ("EHLO", "502 unknown", "does not offer STARTTLS"),
        ("STARTTLS", "454 not now", "not now"),
    ],
)
def test_no_tls(server: MailServer, verb: str, said: str, words: str) -> None:
    server.says[verb] = said
    seen = server.mail().connect(AT_25)
    assert words in seen.tls_problem
    assert seen.problem == ""


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("554 go away", "go away"),
        ("HTTP/1.1 400", "does not speak SMTP"),
        ("220-" + "x" * 2000, "do not end"),
        ("\r\n".join(["220-more"] * 100), "does not end"),
        ("220 a\r\n220 b\r\n220 c", "says"),
    ],
)
def test_nonsense(server: MailServer, said: str, words: str) -> None:
    server.says["greeting"] = said
    assert words in server.mail().connect(AT_25).problem


def test_words_before_tls_are_not_taken_for_words_in_it(server: MailServer) -> None:
    server.says["STARTTLS"] = "220 go\r\n250 injected"
    assert "before TLS" in server.mail().connect(AT_25).problem


def test_nobody_there_and_a_server_that_says_nothing() -> None:
    with socket.create_server((HERE, 0)) as quiet:
        mail = Mail(inside_sandbox({(HERE, 25): quiet.getsockname()[1]}), seconds=0.2)
        assert mail.connect(AT_25).problem == "nobody answered in time"
        assert mail.relay(Relay(HERE)) == Relayed(None, "nobody answered in time")
    assert "refused" in mail.connect(AT_25).problem


@pytest.mark.parametrize(
    ("said", "accepted"), [("250 fine", True), ("550 no relaying", False), ("450 later", None)]
)
def test_relaying_is_asked_and_nothing_sent(server: MailServer, said: str, accepted: bool | None) -> None:
    server.says["RCPT"] = said
    assert server.mail().relay(Relay(HERE)) == Relayed(accepted, said[4:])
    time.sleep(0.05)
    in_tls = ["EHLO", "MAIL", "RCPT", "QUIT"]
    assert [each.split()[0] for each in server.heard] == ["EHLO", "STARTTLS", *in_tls]


def test_relaying_is_asked_without_tls_where_there_is_none(server: MailServer) -> None:
    server.says["EHLO"] = "250 hello"
    assert server.mail().relay(Relay(HERE)) == Relayed(False, "no relaying")
    assert "STARTTLS" not in server.heard


def test_a_server_that_takes_no_mail_now_says_nothing_about_relaying(server: MailServer) -> None:
    server.says["MAIL"] = "421 busy"
    assert server.mail().relay(Relay(HERE)) == Relayed(None, "busy")


# All together ---------------------------------------------------------------------------------------------


def nothing(question: Question) -> Said:
    del question
    return Said(Status.NO_DATA)


def test_an_observer_asks_until_it_knows(names: Names, server: MailServer) -> None:
    records = {
        ("example.org.", "MX"): rrset(f"example.org. 60 MX 10 {HOST}."),
        (f"{HOST}.", "A"): rrset(f"{HOST}. 60 A {HERE}"),
    }

    def change(answer: dns.message.Message) -> None:
        asked = answer.question[0]
        found = records.get((asked.name.to_text(), dns.rdatatype.to_text(asked.rdtype)))
        if found is not None:
            answer.answer.append(found)

    names.change = change
    ask = Asker.of(asker(names), server.mail(), None)
    expected = Expected("example.org", receivers=frozenset({HERE}), ours=frozenset({HERE}), sandboxed=True)
    found = {each.check: each for each in Observer(ask).look(expected, datetime.now(UTC))}
    assert found["mx"].level is found["address"].level is Level.OK
    assert found["open-relay"].level is Level.OK
    assert "ends on" in found["port-25"].sentence  # the server's certificate is for a day
    assert found["delegation"].level is Level.UNKNOWN
    assert found["spf"].level is Level.FAIL


def test_an_observer_stops_in_time_and_after_enough_questions() -> None:
    late = threading.Event()

    def slowly(question: Question) -> Said:
        late.wait(20)
        return nothing(question)

    begun = time.monotonic()
    found = Observer(slowly, within=0.1).look(Expected("example.org"), datetime.now(UTC))
    assert time.monotonic() - begun < 10
    late.set()
    assert "was not finished in time" in found[0].sentence
    few = Observer(nothing, most=3).look(Expected("example.org"), datetime.now(UTC))
    assert any("was not finished in time" in each.sentence for each in few)


def test_a_policy_is_fetched_only_from_public_addresses() -> None:
    fetcher = Fetcher(resolve=lambda host, timeout: [HERE])
    ask = Asker.of(AskNames(outward()), Mail(outward()), fetcher)
    answer = ask(PolicyFile("example.org"))
    assert isinstance(answer, Policy)
    assert answer.problem
    assert answer.text == ""
