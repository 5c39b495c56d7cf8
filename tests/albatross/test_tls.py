"""Commands inside certificates, against the stand-in's TLS endpoint with real certificates."""

from __future__ import annotations

import gc
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.albatross import solo5_files as files
from tests.albatross.conftest import QUICK, MakeHost
from workers.albatross import (
    ROOT,
    Client,
    ClosedWithoutReply,
    CommandFailed,
    FailureKind,
    LocalDialer,
    Name,
    NotPermitted,
    NotSendable,
    Release,
    Subscription,
    Unreachable,
    dialect_of,
    find_release,
)
from workers.albatross import certificates as pki
from workers.albatross import commands as c
from workers.albatross import replies as r
from workers.albatross.certificates import Authority, CertificateError, below, make_root, mint, read_authority
from workers.albatross.errors import NotTrusted
from workers.albatross.grammar.envelope import Header, Request
from workers.albatross.quota import covering
from workers.albatross.tls import TlsDialer, TlsEndpoint
from workers.albatross.values import QuotaPolicy, Settings, UnikernelConfig
from workers.sandbox.albatross.host import AlbatrossHost

DAY = timedelta(days=1)
WEB, PATH = Name(("acme",), "web"), Name(("acme",))
POLICY = QuotaPolicy(4, 256, (0, 1), 100, ("service",))
IMAGE = files.image(files.abi(), files.manifest())
CONFIG = UnikernelConfig(Settings(memory=16, arguments=(b"--seed=top-secret",)), IMAGE)


@dataclass
class Setup:
    host: AlbatrossHost
    root: Authority
    endpoint: TlsEndpoint
    dialect: tuple[int, ...]

    def dialer(self, authority: Authority | None = None, **options: object) -> TlsDialer:
        given: dict[str, object] = {"policies": {PATH: POLICY}} | options
        dialect = dialect_of(Release(*self.dialect))
        return TlsDialer(self.endpoint, authority or self.root, dialect, **given)  # type: ignore[arg-type]

    def client(self, authority: Authority | None = None, **options: object) -> Client:
        return Client(self.dialer(authority, **options), dialect_of(Release(*self.dialect)), QUICK)


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def make_setup(make_host: MakeHost) -> Callable[..., Setup]:
    def make(*release: int) -> Setup:
        host = make_host(*release)
        root = make_root("host CA", now=now(), valid_for=DAY)
        server = pki.server_certificate(root, "host.example.org", now=now(), valid_for=DAY)
        port = host.serve_tls(root, server, "127.0.0.1")
        return Setup(host, root, TlsEndpoint("127.0.0.1", pem(root.certificate), port), release)

    return make


@pytest.fixture
def setup(make_setup: Callable[..., Setup]) -> Setup:
    return make_setup(2, 7, 2)


@pytest.mark.parametrize("release", [(2, 5, 1), (2, 6, 2), (2, 7, 2), (2, 8, 0)])
def test_a_unikernel_lives_and_dies_through_the_endpoint(
    make_setup: Callable[..., Setup], release: tuple[int, ...]
) -> None:
    client = make_setup(*release).client()
    client.create(WEB, CONFIG)
    [running] = client.unikernels(PATH)
    assert (running.name, running.settings.memory) == (WEB, 16)
    assert [one.policy for one in client.policies(PATH)] == [POLICY]
    assert zlib.decompress(client.image(WEB, level=1).data) == IMAGE
    client.create(WEB, replace(CONFIG, settings=Settings(memory=32)), force=True)
    assert client.unikernels(WEB)[0].settings.memory == 32
    client.destroy(WEB)
    assert client.unikernels(PATH) == ()


def test_a_big_image_is_streamed_after_the_handshake(setup: Setup) -> None:
    big = IMAGE + bytes(12 << 20)
    setup.client().create(WEB, replace(CONFIG, image=zlib.compress(big, 1), compressed=True))
    assert zlib.decompress(setup.client().image(WEB, level=1).data) == big


def test_a_volume_is_written_and_read_as_a_stream(setup: Setup) -> None:
    client, disk = setup.client(), Name(("acme",), "disk")
    client.add_volume(disk, 1)
    client.write_volume(disk, [b"x" * 70_000, b"y" * 10])
    data = b"".join(bytes(piece) for piece in client.read_volume(disk))
    assert len(data) == 1 << 20
    assert data[:70_010] == b"x" * 70_000 + b"y" * 10


def test_consoles_and_statistics_come_through(setup: Setup) -> None:
    client = setup.client()
    client.create(WEB, CONFIG)
    setup.host.write(WEB, b"hello\xff\n")
    with client.console(WEB) as console:
        assert b"hello\xff" in [bytes(line.line) for line in _lines(console, b"hello\xff")]
    with client.statistics(PATH) as statistics:
        names = [
            answer.header.name
            for _ in range(50)
            for answer in statistics.read(0.1)
            if isinstance(answer.reply, r.Measured)
        ]
    assert WEB in names


def _lines(console: Subscription, wanted: bytes) -> list[r.ConsoleLine]:
    """What came until the wanted line, five seconds at most."""
    found: list[r.ConsoleLine] = []
    for _ in range(50):
        found += [one.reply for one in console.read(0.1) if isinstance(one.reply, r.ConsoleLine)]
        if wanted in [bytes(line.line) for line in found]:
            break
    return found


def test_with_the_hosts_ca_the_root_is_ours(setup: Setup) -> None:
    client = setup.client()
    client.create(Name((), "top"), CONFIG)
    client.create(WEB, CONFIG)
    assert {one.name for one in client.unikernels(ROOT)} == {Name((), "top"), WEB}


def test_a_tenants_intermediate_acts_in_its_path_only(setup: Setup) -> None:
    issued = below(setup.root, "acme", POLICY, now=now(), valid_for=DAY)
    given = read_authority(_chain(issued, setup.root), _key(issued))
    assert given.path == ("acme",)
    client = setup.client(given, policies={})
    client.create(WEB, CONFIG)
    assert [one.name for one in client.unikernels(PATH)] == [WEB]
    with pytest.raises(CertificateError, match="for acme:"):
        client.destroy(Name(("other",), "web"))
    with pytest.raises(CertificateError, match="for acme:"):
        client.unikernels(ROOT)


def test_below_a_tenant_further_paths_are_minted(setup: Setup) -> None:
    issued = below(setup.root, "acme", POLICY, now=now(), valid_for=DAY)
    deep = Name(("acme", "shop"), "web")
    small = QuotaPolicy(1, 64, (0,), None, ())
    setup.client(issued, policies={Name(("acme", "shop")): small}).create(deep, CONFIG)
    shown = {one.name: one.policy for one in setup.client().policies(PATH)}
    assert shown[Name(("acme", "shop"))] == small


def test_a_path_without_a_policy_is_not_spoken_about(setup: Setup) -> None:
    with pytest.raises(NotSendable, match="no quota policy is known for acme:"):
        setup.client(policies={}).unikernels(PATH)


@pytest.mark.parametrize("release", [(2, 0, 0), (2, 4, 1)])
def test_before_2_5_everything_but_contents_works(
    make_setup: Callable[..., Setup], tmp_path: Path, release: tuple[int, ...]
) -> None:
    setup = make_setup(*release)
    Client(LocalDialer(tmp_path), dialect_of(Release(*release)), QUICK).create(WEB, CONFIG)
    client = setup.client()
    assert [one.name for one in client.unikernels(PATH)] == [WEB]
    with pytest.raises(NotSendable, match="no images") as refusal:
        client.create(Name(("acme",), "two"), CONFIG)
    assert "SSH" in refusal.value.hint
    client.destroy(WEB)


@pytest.mark.parametrize(
    ("release", "found"),
    [((2, 4, 1), (2, 4)), ((2, 5, 1), (2, 5)), ((2, 6, 2), (2, 6, 1)), ((2, 7, 2), (2, 7))],
)
def test_a_release_is_found_through_the_endpoint(
    make_setup: Callable[..., Setup], release: tuple[int, ...], found: tuple[int, ...]
) -> None:
    assert find_release(make_setup(*release).dialer(), QUICK) == Release(*found)


def test_policies_are_not_set_by_a_leaf(setup: Setup) -> None:
    with pytest.raises(NotSendable, match="every command brings"):
        setup.client().set_policy(PATH, POLICY)


def test_a_policy_below_what_runs_locks_out_and_a_covering_one_does_not(setup: Setup) -> None:
    client = setup.client()
    client.create(WEB, replace(CONFIG, settings=Settings(memory=200)))
    low = QuotaPolicy(1, 64, (0,), None, ())
    with pytest.raises(CommandFailed) as refusal:
        setup.client(policies={PATH: low}).destroy(WEB)
    assert refusal.value.kind is FailureKind.QUOTA_IMPOSSIBLE
    enough = covering(low, PATH, client.unikernels(PATH), client.volumes(PATH))
    assert enough.memory == 200
    setup.client(policies={PATH: enough}).destroy(WEB)
    assert client.unikernels(PATH) == ()


def test_an_expired_leaf_names_the_clocks(setup: Setup) -> None:
    late = setup.client(clock=lambda: now() - timedelta(hours=1))
    with pytest.raises(NotPermitted, match="expired") as refusal:
        late.unikernels(PATH)
    assert "clock" in refusal.value.hint


def test_a_foreign_ca_is_refused_by_the_host(setup: Setup) -> None:
    foreign = make_root("host CA", now=now(), valid_for=DAY)
    with pytest.raises(NotPermitted, match=r"does not (know|accept)"):
        setup.client(foreign).destroy(Name((), "web"))


def test_a_host_with_a_foreign_certificate_hears_nothing(setup: Setup) -> None:
    other = make_root("host CA", now=now(), valid_for=DAY)
    client = setup.client()
    endpoint = replace(setup.endpoint, server_ca=pem(other.certificate))
    wrong = TlsDialer(endpoint, setup.root, client.dialect, {PATH: POLICY})
    with pytest.raises(NotTrusted, match="not by its CA"):
        Client(wrong, client.dialect, QUICK).create(WEB, CONFIG)
    assert client.unikernels(PATH) == ()


def test_a_command_that_it_does_not_know_ends_in_silence(make_setup: Callable[..., Setup]) -> None:
    setup = make_setup(2, 5, 1)
    newer = dialect_of(Release(2, 7, 2))
    client = Client(TlsDialer(setup.endpoint, setup.root, newer), newer, QUICK)
    with pytest.raises(ClosedWithoutReply):
        client.unikernels(ROOT)


def test_nobody_listens_and_nobody_answers(setup: Setup) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        quick = replace(QUICK, connect=0.3)
        dialect = dialect_of(Release(2, 7, 2))
        slow = TlsDialer(replace(setup.endpoint, port=port), setup.root, dialect)
        with pytest.raises(Unreachable):
            Client(slow, dialect, quick).unikernels(ROOT)
    with pytest.raises(Unreachable, match="refused"):
        Client(slow, dialect, quick).unikernels(ROOT)


@pytest.fixture
def plain_server() -> Iterator[int]:
    """Answers a TLS greeting with other bytes."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            taken, _ = listener.accept()
            with taken:
                taken.recv(4096)
                taken.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(5)


def test_something_else_listens(setup: Setup, plain_server: int) -> None:
    dialect = dialect_of(Release(2, 7, 2))
    wrong = TlsDialer(replace(setup.endpoint, port=plain_server), setup.root, dialect)
    with pytest.raises(Unreachable, match="no TLS"):
        Client(wrong, dialect, QUICK).unikernels(ROOT)


def test_a_leaf_is_fresh_short_and_says_little(setup: Setup) -> None:
    request = Request(Header(Name((), "web")), c.Destroy())
    at = now()
    first, second = (mint(setup.root, request, now=at) for _ in range(2))
    assert first.key != second.key
    leaf = x509.load_pem_x509_certificates(first.chain)[0]
    assert leaf.not_valid_after_utc - at <= timedelta(minutes=5)
    assert b"PRIVATE" not in repr(first).encode()
    assert "PRIVATE" not in repr(setup.root)


def test_keys_touch_no_disk(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    load = ssl.SSLContext.load_cert_chain

    def watch(context: ssl.SSLContext, path: str) -> None:
        opened.append(path)
        load(context, path)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watch)
    setup.client().unikernels(PATH)
    gc.collect()
    assert opened
    assert all(path.startswith("/proc/self/fd/") for path in opened)


# What people paste -----------------------------------------------------------------------------------------


def _chain(*authorities: Authority) -> bytes:
    return "".join(pem(each.certificate) for each in authorities).encode()


def _key(authority: Authority) -> bytes:
    return authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_authorities_with_other_kinds_of_keys_sign(setup: Setup, kind: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "p256" else rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "acme")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now() - DAY)
        .not_valid_after(now() + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    root = read_authority(
        pem(builder.sign(key, SHA256())).encode(),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
    port = setup.host.serve_tls(
        root, pki.server_certificate(root, "h", now=now(), valid_for=DAY), "127.0.0.1"
    )
    endpoint = TlsEndpoint("127.0.0.1", pem(root.certificate), port)
    dialect = dialect_of(Release(2, 7, 2))
    Client(TlsDialer(endpoint, root, dialect, {PATH: POLICY}), dialect, QUICK).create(WEB, CONFIG)


def test_what_is_pasted_wrongly_is_named() -> None:
    root = make_root("root", now=now(), valid_for=DAY)
    tenant = below(root, "acme", POLICY, now=now(), valid_for=DAY)
    other = make_root("other", now=now(), valid_for=DAY)
    locked = root.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    server = pki.server_certificate(root, "h", now=now(), valid_for=DAY)
    for certificate, key, words in [
        (b"", _key(root), "certificate is not readable"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", _key(root), "not readable"),
        (_chain(root), b"nothing", "key is not readable"),
        (_chain(root), locked, "locked with a password"),
        (_chain(root), _key(other), "does not belong"),
        (_chain(tenant, other), _key(tenant), "was not signed by"),
        (server.chain, server.key, "no certificate authority"),
        (b"x" * (300 << 10), _key(root), "too big"),
    ]:
        with pytest.raises(CertificateError, match=words) as refusal:
            read_authority(certificate, key)
        assert "PRIVATE" not in f"{refusal.value} {refusal.value.hint}"
