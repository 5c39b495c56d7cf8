from __future__ import annotations

import json
import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from tests.sandbox.world import UserRepository, entry
from workers.sandbox.client import (
    ControlClient,
    SandboxAnswerError,
    SandboxRefusedError,
    SandboxTimeoutError,
    SandboxUnreachableError,
)
from workers.sandbox.control import Addresses, Sandbox, SandboxError
from workers.sandbox.control_socket import MAX_REQUEST
from workers.sandbox.listener import NotLoopbackError, clean, loopback


def raw(path: Path, line: bytes) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(line)
        received = b""
        while not received.endswith(b"\n"):
            chunk = connection.recv(65_536)
            if not chunk:
                return {}
            received += chunk
    answer = json.loads(received)
    assert isinstance(answer, dict)
    return answer


def test_another_process_can_steer_it(sandbox: Sandbox, repository: UserRepository) -> None:
    client = ControlClient(sandbox.control_path)
    roles = {role["role"]: role for role in client.status()["roles"]}
    assert {role["state"] for role in roles.values()} == {"running"}
    commit = repository.commit({"a": entry(), "b": entry()})
    assert roles["relay"]["commit"] != commit
    for role in ("relay", "submission"):
        after = client.restart(role, "our.test")
        assert (after["state"], after["commit"], after["entries"]) == ("running", commit, 2)
        assert after["booted_at"] > roles[role]["booted_at"]


def test_a_domain_can_be_added_and_survives_a_restart(sandbox: Sandbox, tmp_path: Path) -> None:
    other = UserRepository(tmp_path / "repositories" / "other.git")
    other.commit({"bob": entry("bob@ext.test")})
    client = ControlClient(sandbox.control_path)
    added = client.add_domain("Other.test", other.path, "main")
    assert added["submission"]["domain"] == "other.test"
    assert (
        added["submission"]["host"] != client.status()["roles"][0]["host"] or added["relay"]["entries"] == 1
    )
    assert client.add_domain("other.test", other.path, "main")["relay"]["port"] == added["relay"]["port"]
    with pytest.raises(SandboxRefusedError) as refused:
        client.add_domain("other.test", other.path, "elsewhere")
    assert refused.value.code == "conflict"
    sandbox.stop()
    sandbox.start()
    domains = {role["domain"] for role in client.status()["roles"]}
    assert domains == {"our.test", "other.test"}


@pytest.mark.parametrize(
    ("domain", "branch"),
    [
        ("", "main"),
        ("no_host.test", "main"),
        ("test", "main"),
        ("a.test", "--upload-pack=x"),
        ("a.test", "a b"),
    ],
)
def test_bad_domains_and_branches_are_refused(
    sandbox: Sandbox, repository: UserRepository, domain: str, branch: str
) -> None:
    with pytest.raises(SandboxRefusedError) as refused:
        ControlClient(sandbox.control_path).add_domain(domain, repository.path, branch)
    assert refused.value.code == "invalid"
    assert len(sandbox.status()["roles"]) == 2


def test_repositories_elsewhere_are_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    for path in ("/etc", tmp_path / "repositories" / ".." / "other.git"):
        with pytest.raises(SandboxRefusedError, match="has to be in"):
            ControlClient(sandbox.control_path).add_domain("a.test", path, "main")


def test_a_domain_without_its_repository_is_dead_and_can_recover(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "repositories" / "later.git"
    client = ControlClient(sandbox.control_path)
    added = client.add_domain("later.test", path, "main")
    assert added["relay"]["state"] == "dead"
    assert "no bare git repository" in added["relay"]["reason"]
    UserRepository(path).commit({"a": entry()})
    assert client.restart("relay", "later.test")["state"] == "running"


def test_unknown_servers_and_commands_are_refused(sandbox: Sandbox) -> None:
    client = ControlClient(sandbox.control_path)
    for role, domain in (("relay", "none.test"), ("signer", "our.test")):
        with pytest.raises(SandboxRefusedError) as refused:
            client.restart(role, domain)
        assert refused.value.code == "unknown"
    for line in (b"{}\n", b"[]\n", b"nonsense\n", b'{"command": 5}\n', b"[" * 5000 + b"\n", b"\xff\n"):
        assert raw(sandbox.control_path, line)["ok"] is False
    assert raw(sandbox.control_path, b"x" * (2 * MAX_REQUEST) + b"\n") == {}
    assert (
        raw(sandbox.control_path, b'{"command": "restart", "role": ["relay"], "domain": "our.test"}\n')["ok"]
        is False
    )


def test_only_its_own_user_can_open_the_socket(sandbox: Sandbox) -> None:
    assert stat.S_IMODE(os.stat(sandbox.control_path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(sandbox.data / "tls" / "ca-key.pem").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(sandbox.data / "domains.json").st_mode) == 0o600


def test_a_client_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SandboxUnreachableError, match="is it started"):
        ControlClient(tmp_path / "control.sock").status()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    with pytest.raises(SandboxTimeoutError):
        ControlClient(tmp_path / "s", timeout=0.1).status()

    def answer() -> None:
        for reply in (b"nonsense\n", b""):
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.sendall(reply)
            connection.close()

    listener.accept()[0].close()
    thread = threading.Thread(target=answer)
    thread.start()
    for _ in range(2):
        with pytest.raises(SandboxAnswerError):
            ControlClient(tmp_path / "s", timeout=5).status()
    thread.join(5)
    listener.close()


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "10.0.0.1", "::1", "localhost", "127.0.0.1.nip.io", "", "192.168.0.1"],  # noqa: S104
)
def test_it_listens_on_loopback_only(address: str) -> None:
    with pytest.raises(NotLoopbackError, match=r"127\.0\.0\.0/8"):
        loopback(address)


def test_addresses_follow_a_scheme() -> None:
    plan = Addresses(block=10)
    assert plan.git() == ("127.0.10.1", 2222)
    assert plan.mailroom() == ("127.0.10.2", 2525)
    assert plan.submission(1) == ("127.0.10.21", 1465)
    assert plan.relay(1) == ("127.0.10.21", 1025)
    with pytest.raises(ValueError, match="block"):
        Addresses(block=256)


def test_two_sandboxes_do_not_share_a_folder(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="another sandbox"):
        Sandbox(sandbox.data, addresses=Addresses(free_ports=True)).start()
    assert sandbox.status()["roles"]


def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    sandbox = Sandbox(tmp_path / "data", addresses=Addresses(free_ports=True))
    sandbox.start()
    room = sandbox.status()["mailroom"]
    waiting = socket.create_connection((room["host"], room["port"]), timeout=5)
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(OSError, match=r".*"):
        socket.create_connection((room["host"], room["port"]), timeout=1)
    waiting.close()
    assert not sandbox.control_path.exists()
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == files


def test_a_damaged_state_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for content in ("{", '{"domains": [{"domain": "x"}]}', "[]", '{"domains": 5}'):
        (tmp_path / "data" / "domains.json").write_text(content)
        with pytest.raises(SandboxError, match="damaged"):
            Sandbox(tmp_path / "data", addresses=Addresses(free_ports=True)).start()


def test_console_text_is_clean() -> None:
    assert clean("a\x1b[31m\nb\u202e") == "a\\x1b[31m\\nb\\u202e"
    assert len(clean("x" * 5000)) == 300
