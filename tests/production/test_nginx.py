"""docker/debian/nginx.conf in Debian's nginx before the panel: what it hands on, keeps inside, and logs."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.urls import reverse

from panel.asgi import application
from panel.body_caps import Message, Receive, Scope, Send
from tests.panel.test_logs import SECRET_ROUTES
from tests.production.composed import DOCKER

NGINX = shutil.which("nginx", path="/usr/sbin:" + os.environ["PATH"])
NAME = "panel.example.org"
TOKEN = "Secret-Link-" + "x" * 31
IMAGE = 20 << 20

pytestmark = pytest.mark.debian


@dataclass
class Proxied:
    folder: Path
    port: int
    stop_web: Callable[[], None] = lambda: None
    heads: list[dict[str, str]] = field(default_factory=list)
    bytes_read: int = 0

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        trusted = ssl.create_default_context(cafile=str(self.folder / "cert.pem"))
        trusted.check_hostname = False
        line = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=trusted)
        try:
            given = {"Host": NAME, **{name.replace("_", "-"): each for name, each in headers.items()}}
            line.request("GET" if body is None else "POST", path, body=body, headers=given)
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()


def certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def site(folder: Path, port: int, plain: int, web: int) -> str:
    """The file as it is, but for names, places and ports."""
    text = (DOCKER / "debian" / "nginx.conf").read_text()
    text = re.sub(r".*listen \[::\].*\n", "", text)
    for was, now in (
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("listen 80", f"listen 127.0.0.1:{plain}"),
        (f"/etc/letsencrypt/live/{NAME}/fullchain.pem", f"{folder}/cert.pem"),
        (f"/etc/letsencrypt/live/{NAME}/privkey.pem", f"{folder}/key.pem"),
        ("/var/log/nginx", str(folder)),
        ("127.0.0.1:8000", f"127.0.0.1:{web}"),
    ):
        assert was in text
        text = text.replace(was, now)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; pid {folder}/pid; error_log {folder}/nginx.log error; events {{}}"
        f" http {{ access_log {folder}/others.log; {places} {text} }}"
    )


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def proxied(tmp_path: Path, settings: Any) -> Iterator[Proxied]:
    if NGINX is None:
        pytest.skip("needs Debian's nginx: apt install nginx-light")
    settings.ALLOWED_HOSTS = [NAME]
    found = Proxied(tmp_path, free())

    async def seen(scope: Scope, receive: Receive, send: Send) -> None:
        found.heads.append({name.decode(): value.decode() for name, value in scope["headers"]})

        async def counted() -> Message:
            message = await receive()
            found.bytes_read += len(message.get("body", b""))
            return message

        await application(scope, counted, send)

    listener = socket.create_server(("127.0.0.1", 0))
    web = uvicorn.Server(uvicorn.Config(seen, lifespan="off", log_level="error", proxy_headers=False))
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()

    def stop_web() -> None:
        web.should_exit = True
        thread.join(10)
        assert not thread.is_alive()

    found.stop_web = stop_web
    certificate(tmp_path)
    path = tmp_path / "nginx.conf"
    path.write_text(site(tmp_path, found.port, free(), int(listener.getsockname()[1])))
    words = [NGINX, "-e", str(tmp_path / "start.log"), "-p", str(tmp_path), "-c", str(path)]
    tested = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr.replace('the "user" directive', "")
    nginx = subprocess.Popen(words)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", found.port)) == 0:
                    break
            time.sleep(0.05)
        yield found
    finally:
        nginx.terminate()
        nginx.wait(10)
        stop_web()


def test_what_it_hands_on_keeps_inside_and_does_not_log(proxied: Proxied) -> None:
    assert proxied.ask("/healthz")[0] == 200
    claimed = {
        "X_Forwarded_For": "192.0.2.66",
        "X_Forwarded_Proto": "gopher",
        "X_Forwarded_Host": "evil.example",
    }
    assert proxied.ask("/healthz", **claimed)[0] == 200
    head = proxied.heads[-1]
    assert (head["x-forwarded-for"], head["x-forwarded-proto"], head["host"]) == ("127.0.0.1", "https", NAME)

    before = len(proxied.heads)
    for path in ("/metrics", "/readyz", "//metrics", "/%6detrics", "/x/../readyz"):
        assert proxied.ask(path)[0] == 404
    assert len(proxied.heads) == before

    # An image comes to the panel as it is sent; what is too long, the panel refuses before it is there.
    status, answer = proxied.ask("/api/v1/images/", b"x" * IMAGE, Content_Type="application/octet-stream")
    assert (status, b'"code"' in answer, proxied.bytes_read) == (401, True, IMAGE)
    status, answer = proxied.ask("/api/v1/organizations/", b"x" * (8 << 20))
    assert (status, b'"too_large"' in answer) == (413, True)
    assert proxied.bytes_read < IMAGE + (8 << 20)


def test_no_link_is_in_a_log_when_the_panel_is_away(proxied: Proxied) -> None:
    """An error would be told with the whole request, of a link that is good still."""
    proxied.stop_web()
    paths = [reverse(name, kwargs={argument: TOKEN}) for name, argument in SECRET_ROUTES]
    for path in [*paths, f"/sign-in//{TOKEN}", f"/%73ign-in/{TOKEN}", f"/sign-in/{TOKEN}?x={TOKEN}"]:
        assert proxied.ask(path, Referer=f"https://{NAME}/sign-in/{TOKEN}")[0] == 502
    assert proxied.ask("/d/example.org")[0] == 502
    logs = "".join(each.read_text() for each in proxied.folder.glob("*.log"))
    assert logs.count("***") == len(paths) + 3
    assert "GET /d/example.org 502" in logs
    assert TOKEN not in logs
