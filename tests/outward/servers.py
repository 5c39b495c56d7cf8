"""A TLS server on loopback that answers as a test wants."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from workers.outward import Fetcher, Poster

HOST = "builds.example.org"
Answer = Callable[[bytes, socket.socket], None]


def certificate(host: str) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, SHA256())
    )
    pem = made.public_bytes(Encoding.PEM).decode()
    return pem, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Server:
    """One TLS server; `answer` gets each request's first line and its socket."""

    def __init__(self, folder: Path, host: str = HOST) -> None:
        self.pem, key = certificate(host)
        path = folder / f"{host}.pem"
        path.write_text(self.pem + key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.requests: list[bytes] = []
        self.answer: Answer = lambda request, to: to.sendall(ok(b"hello"))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                taken, _ = self.listener.accept()
                with suppress(OSError), self.context.wrap_socket(taken, server_side=True) as secured:
                    request = _whole(secured)
                    self.requests.append(request)
                    self.answer(request, secured)

    def fetcher(self) -> Fetcher:
        return Fetcher(
            resolve=lambda host, timeout: ["127.0.0.1"],
            may_reach=lambda address: True,
            port=self.port,
            trust=ssl.create_default_context(cadata=self.pem),
        )

    def poster(self) -> Poster:
        return Poster(
            resolve=lambda host, timeout: ["127.0.0.1"],
            may_reach=lambda address: True,
            trust=ssl.create_default_context(cadata=self.pem),
        )

    def url(self, path: str = "/file") -> str:
        return f"https://{HOST}{path}"


def _whole(taken: socket.socket) -> bytes:
    """Head and body of a request, which may come in pieces."""
    request = taken.recv(65_536)
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", request)
    while length is not None and len(request.partition(b"\r\n\r\n")[2]) < int(length[1]):
        request += taken.recv(65_536)
    return request


def ok(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
