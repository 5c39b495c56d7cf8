"""Eight unikernels by the arguments of a plan: mail goes in and out; what is wrong ends as it really ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tenants.formats.arguments import Place, References, fill_in
from tenants.formats.roles.keys import signer_key
from tenants.formats.roles.role import Era, ProbeKind
from tenants.formats.zones.dkim_record import published_key
from tests.sandbox.dkim_reading import verified
from tests.sandbox.stack_world import DOMAIN, ROOT_KEY, StackWorld, rookery, stack_world
from tests.sandbox.world import PASSPHRASE, git
from workers.albatross import SshDialer
from workers.probes import Expected, Proved, Silent, ask_role
from workers.sandbox.stack.world import SharedPrimary
from workers.ssh import ConnectionPool

OUT = (
    f"From: John  <john@{DOMAIN}>\r\nTo: somebody@far.example\r\nSubject: Hi\r\n\r\n"
    "Hello,\t you \r\n.dot\r\n\r\n"
)
IN = f"From: a@ext.test\r\nTo: paul@{DOMAIN}\r\nSubject: Hi\r\n\r\nThe text.\r\n"
READY = {
    "resolver": "answers at",
    "primary": "answers at",
    "letsencrypt": "transferred",
    "relay": "listening on",
    "signer": "listening on",
    "submission": "listening on",
    "spamfilter": "listening on",
    "verifier": "listening on",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    """All eight, started in the plan's order through the albatross socket, with the plan's rules applied."""
    with stack_world(tmp_path_factory.mktemp("stack")) as world:
        world.publish()
        for each in world.plan.roles:
            name = world.create(each.role.name)
            world.wait_for(name, READY[each.role.name])
        yield world


def test_each_role_is_asked_at_its_private_address(running: StackWorld) -> None:
    """Through the host's own SSH, by the question that the catalogue has for it."""
    pool = ConnectionPool()
    dialer = SshDialer(pool, rookery(running.git))
    for each in running.plan.roles:
        probe = each.role.probe
        if probe.kind is ProbeKind.RUNNING:
            continue
        host = f"smtp.{DOMAIN}" if probe.kind is ProbeKind.SMTPS else DOMAIN
        expected = Expected(DOMAIN, host, datetime.now(UTC), serial=7)
        place = IPv4Address(each.address), probe.port
        found = ask_role(dialer, place, probe.kind, expected, seconds=10)
        assert isinstance(found, Proved), (each.role.name, found)
        if probe.kind in {ProbeKind.SMTPS, ProbeKind.SMTP_STARTTLS}:
            wrong = ask_role(dialer, place, probe.kind, replace(expected, host="other.example"), seconds=10)
            assert wrong == Silent(f"its certificate is for {host} instead of other.example")
        later = ask_role(dialer, (IPv4Address("10.0.0.77"), probe.port), probe.kind, expected)
        assert isinstance(later, Silent)
        assert "10.0.0.77" in later.problem
    with pool.connection(rookery(running.git)) as connection:
        assert connection.alive


def test_mail_goes_out_signed(running: StackWorld) -> None:
    """Submission, signer, relay: the signature is that of the seed, as an independent reading of RFC 6376
    finds."""
    with running.mail_program() as client:
        client.login("john", PASSPHRASE)
        client.sendmail(f"john@{DOMAIN}", ["somebody@far.example"], OUT)
    raw = running.mail_of("somebody@far.example")
    message = message_from_bytes(raw)
    assert message["Return-Path"] == f"<john@{DOMAIN}>"
    assert len(message.get_all("Received", [])) == 3
    (record,) = running.ask(f"s1._domainkey.{DOMAIN}", "TXT")
    key = published_key(b"".join(record.strings))
    assert key == signer_key(running.secrets["signer"]["dkim-seed"], Era.P23)
    assert verified(raw, key)
    assert not verified(raw.replace(b"Hello", b"Hallo"), key)
    assert not verified(raw.replace(b"From: John", b"From: Joan"), key)


def test_mail_comes_in_checked_and_marked(running: StackWorld) -> None:
    """Receiver, spam filter, relay, target: TLS by the sandbox's CA, SPF of the client's own address."""
    with running.other_server(source="127.9.9.9") as client:
        assert client.ehlo()[0] == 250
        assert client.docmd("MAIL", "FROM:<a@ext.test>")[0] == 530
        client.starttls(context=running.trust(""))
        client.sendmail(f"forged@{DOMAIN}", [f"paul@{DOMAIN}"], IN)
    message = message_from_bytes(running.mail_of("paul@elsewhere.example"))
    assert message["X-Spamtacus"] == "no"
    assert message["Received-SPF"].startswith("fail client-ip=127.9.9.9;")
    assert message["Return-Path"] == f"<paul@{DOMAIN}>"
    assert DOMAIN in message.get_all("Received", [""])[0]


def test_mail_to_the_own_domain_comes_back_through_the_public_address(running: StackWorld) -> None:
    """The relay leaves as SNAT says, DNAT brings it to the receiver, TLS is believed: so SPF passes."""
    with running.other_server() as client:
        client.starttls(context=running.trust(""))
        client.sendmail("a@ext.test", [f"round@{DOMAIN}"], IN)
    message = message_from_bytes(running.mail_of("paul@elsewhere.example"))
    last, first = message.get_all("Received-SPF", [])
    assert last.startswith(f"pass client-ip=76.8.60.93; envelope-from=round@{DOMAIN};")
    assert first.startswith("none client-ip=127.0.0.1;")


def test_the_receiver_is_an_open_relay(running: StackWorld) -> None:
    """As ptt of 2023 is: whatever recipient it is given, the relay delivers."""
    with running.other_server() as client:
        client.starttls(context=running.trust(""))
        client.sendmail("spammer@ext.test", ["victim@third.example"], IN)
    assert b"Return-Path: <spammer@ext.test>" in running.mail_of("victim@third.example")


def test_certificates_and_keys_are_in_the_zone_by_the_hand_of_each_role(running: StackWorld) -> None:
    for host in (DOMAIN, f"smtp.{DOMAIN}"):
        kinds = {(each.usage, each.selector) for each in running.ask(f"_letsencrypt._tcp.{host}", "TLSA")}
        assert kinds == {(3, 255), (3, 0), (0, 0)}
    told = git(running.zones.path, "log", "--format=%an: %s", "main")
    assert f"signer._update.{DOMAIN} via primary git: changed by {running.plan.addresses['signer']}" in told
    assert f"letsencrypt._update.{DOMAIN} via primary git" in told


def test_consoles_say_what_happens_and_no_secret(running: StackWorld) -> None:
    for each in running.plan.roles:
        text = "\n".join(running.lines(running.label(each.role.name)))
        assert "Solo5: Bindings version" in text
        assert f"gratuitous ARP for {each.address} " in text
        assert not any(secret in text for secret in running.secrets[each.role.name].values())


def test_an_unknown_argument_ends_it_for_good(running: StackWorld) -> None:
    given = running.arguments("relay")
    for number, extra, said in (
        (1, b"--ssh-authenticator=ed25519:x", "unknown option '--ssh-authenticator'"),
        (2, b"--nameserver=10.0.0.2", "option '--nameserver': invalid value"),
    ):
        name = running.create("relay", (*given, extra), label=f"wrong-{number}")
        running.wait_for(name, "Solo5: solo5_exit(64) called")
        assert any(said in line for line in running.lines(name))
        assert running.client.unikernels(name) == ()
        assert sum("Bindings version" in line for line in running.lines(name)) == 1


def test_a_second_unikernel_at_an_address_is_reached_by_nobody(running: StackWorld) -> None:
    name = running.create("spamfilter", running.arguments("spamfilter"), label="twin")
    running.wait_for(name, "ignoring gratuitous ARP")
    assert len(running.client.unikernels(name)) == 1
    running.client.destroy(name)
    assert "Exiting on signal 15" in running.lines(name)[-1]


def test_a_flip_moves_new_connections_and_leaves_old_ones(running: StackWorld) -> None:
    """The next receiver beside the running one; the rules are changed between two connections."""
    place = Place("10.0.0.30", 24, "10.0.0.1")
    old = next(each for each in running.plan.roles if each.role.name == "verifier")
    given = fill_in(old.arguments, References(running.secrets["verifier"], {"service": place}))
    name = running.create("verifier", given, label="next", file="verifier-2.hvt")
    running.wait_for(name, "listening on")
    intent = running.plan.intent
    moved = tuple(
        replace(each, target=IPv4Address("10.0.0.30")) if each.what == "verifier" else each
        for each in intent.published
    )
    with running.other_server() as before:
        before.starttls(context=running.trust(""))
        running.publish(replace(intent, published=moved))
        with running.other_server() as after:
            after.starttls(context=running.trust(""))
            after.sendmail("a@ext.test", ["after@third.example"], IN)
            after.quit()
        before.sendmail("a@ext.test", ["before@third.example"], IN)
    running.publish()
    for when in ("before", "after"):
        assert running.mail_of(f"{when}@third.example")
    running.wait_for(name, "> submitted a message")
    assert len([line for line in running.lines(name) if "> submitted a message" in line]) == 1
    running.client.destroy(name)


def test_each_waits_or_ends_where_what_it_needs_is_not_there(tmp_path: Path) -> None:
    """An order that is wrong heals by restarts; a primary without git stays away; mail without a resolver is
    lost. Certificates come by a key for every zone, from a primary at the host's own address."""
    with stack_world(tmp_path) as world:
        signer = world.create("signer")
        world.wait_for(signer, "solo5_exit(2)")
        lonely = world.create(
            "primary",
            tuple(lonely_words(world)),
            label="lonely",
        )
        primary = world.create("primary")
        world.wait_for(signer, "our public key was put")
        submission = world.create("submission")
        world.wait_for(submission, "no certificate for smtp.x25519.net yet")
        relay = world.create("relay")
        world.wait_for(relay, "listening on")
        world.create("letsencrypt", tuple(with_root_key(world)))
        world.wait_for(submission, "listening on")
        world.publish()
        with world.mail_program() as client:
            client.login("john", PASSPHRASE)
            client.sendmail(f"john@{DOMAIN}", ["somebody@far.example"], OUT)
        world.wait_for(relay, "far.example is unreachable")
        world.wait_for(lonely, "solo5_exit(64)")
        world.client.destroy(primary)
        with pytest.raises((ConnectionError, EOFError)):
            world.ask(DOMAIN, "SOA")


def with_root_key(world: StackWorld) -> Iterator[bytes]:
    """Let's Encrypt's for every zone of a primary that is on the host."""
    shared = world.world.primaries["10.0.0.3"]
    world.world.shared = SharedPrimary(lambda: (shared.host, shared.port), lambda: shared.held)
    given = {b"--dns-key": ROOT_KEY.unikernel_string().encode(), b"--dns-server": b"10.0.0.1"}
    for word in world.arguments("letsencrypt"):
        option = word.partition(b"=")[0]
        yield option + b"=" + given[option] if option in given else word


def lonely_words(world: StackWorld) -> Iterator[bytes]:
    """A primary elsewhere, which asks for git at an address that is not its host's."""
    for word in world.arguments("primary"):
        option = word.partition(b"=")[0]
        moved = {b"--ipv4": b"10.0.0.40/24", b"--ipv4-gateway": b"10.0.0.41"}
        yield option + b"=" + moved[option] if option in moved else word
