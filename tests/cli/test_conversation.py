"""What the command line does with what a server answers: a hostile one, a slow one, one that goes away."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from panel.cli import client as clients
from panel.cli.main import main

pytestmark = pytest.mark.one_database
# An escape that would rewrite the title of a terminal, one that clears it, and an override of direction.
HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e\u009b31m"
Reply = tuple[int, dict[str, str], Any]


@dataclass
class Server:
    """Answers with what `replies` has next; a reply of None hangs up instead."""

    replies: list[Reply | None] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def says(self, *replies: Reply | None) -> None:
        self.replies = list(replies)
        self.seen.clear()


def problem(status: int, **more: Any) -> Reply:
    body = {"title": "No.", "status": status, "detail": "It is refused.", "problems": [], **more}
    return status, {"Content-Type": "application/problem+json"}, body


def fine(body: Any, **headers: str) -> Reply:
    return 200, {"Content-Type": "application/json", **headers}, body


@pytest.fixture(scope="module")
def listening() -> Iterator[Server]:
    server = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            server.seen.append((self.command, self.path, dict(self.headers), data))
            reply = server.replies.pop(0)
            if reply is None:
                self.close_connection = True
                return
            status, headers, body = reply
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the standard library's names

        def log_message(self, *_: Any) -> None:
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{running.server_port}"
    yield server
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def server(listening: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("ROOKERY_URL", listening.url)
    monkeypatch.setenv("ROOKERY_TOKEN", "rk_secret")
    monkeypatch.setattr(clients, "pause", lambda _: None)
    listening.says()
    return listening


Output = Callable[[], Any]


def harmless(text: str) -> bool:
    return all(each == "\n" or each.isprintable() for each in text)


@pytest.mark.parametrize("words", [["--json"], []])
def test_hostile_text_does_not_reach_the_terminal(
    words: list[str], server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"id": 1, "name": HOSTILE, HOSTILE: [HOSTILE], "note": f"a\n{HOSTILE}"}
    server.says(fine(row))
    assert main(["domains", "show", "example.org", *words]) == 0
    server.says(fine({"results": [row], "next": None}))
    assert main(["domains", "list", *words]) == 0
    bad = [{"field": HOSTILE, "problem": HOSTILE, "fix": HOSTILE}]
    server.says(problem(400, detail=HOSTILE, problems=bad, request_id=HOSTILE))
    assert main(["domains", "show", "example.org", *words]) == 1
    shown = capsys.readouterr()
    assert harmless(shown.out + shown.err)
    assert "owned" in shown.out


def test_a_refusal_names_field_problem_and_fix(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [{"field": "name", "problem": "It is taken.", "fix": "Choose another."}]
    server.says(problem(400, problems=wrong, request_id="5f1d"))
    assert main(["domains", "create", "--organization", "1", "--name", "x"]) == 1
    told = capsys.readouterr().err
    assert told.splitlines() == [
        "rookery: It is refused.", "  name: It is taken. Choose another.", "  (request 5f1d)"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "code"), [(400, 1), (401, 3), (403, 3), (404, 4), (409, 5), (412, 5), (422, 5), (500, 6)]
)
def test_codes_say_how_it_was(status: int, code: int, server: Server) -> None:
    server.says(problem(status))
    assert main(["domains", "show", "example.org"]) == code


def test_a_write_is_tried_again_with_the_same_key(server: Server) -> None:
    server.says(None, problem(503), problem(429), fine({"name": "x"}))
    assert main(["domains", "create", "--organization", "1", "--name", "x"]) == 0
    keys = {headers["Idempotency-Key"] for _, _, headers, _ in server.seen}
    assert (len(server.seen), len(keys)) == (4, 1)
    assert {data for _, _, _, data in server.seen} == {b'{"organization": 1, "name": "x"}'}
    server.says(*[None] * clients.TRIES)
    assert main(["domains", "create", "--organization", "1", "--name", "x"]) == 6
    # What takes no key is sent once: nobody knows whether it was done.
    server.says(None)
    assert main(["public", "domains", "requests", "create", "example.org", "--body", "@/dev/null"]) == 2
    assert server.seen == []


def test_pages_are_followed_to_a_bound_and_never_in_a_circle(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    def page(start: int, following: str | None) -> Reply:
        rows = [{"id": number, "name": f"d{number}"} for number in range(start, start + 3)]
        return fine({"results": rows, "next": following})

    elsewhere = "https://evil.example/api/v1/domains/?cursor=a"
    server.says(page(0, elsewhere), page(3, "/api/v1/domains/?cursor=b"), page(6, elsewhere))
    assert main(["domains", "list", "--json"]) == 0
    assert [each["id"] for each in json.loads(capsys.readouterr().out)] == list(range(9))
    assert [path for _, path, _, _ in server.seen] == [
        "/api/v1/domains/?limit=200", "/api/v1/domains/?cursor=a", "/api/v1/domains/?cursor=b"
    ]  # fmt: skip
    server.says(page(0, "/api/v1/domains/?cursor=a"), page(3, None))
    assert main(["domains", "list", "--most", "4"]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 5
    assert "There are more than these 4" in shown.err


def test_the_token_follows_no_redirect(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.says((302, {"Location": "https://evil.example/"}, b""))
    assert main(["domains", "list"]) == 6
    assert len(server.seen) == 1
    for reply in (fine(b"{"), (200, {"Content-Type": "text/html"}, b"<h1>hello")):
        server.says(reply)
        main(["domains", "show", "example.org"])
    assert "rk_secret" not in "".join(capsys.readouterr())


def test_it_waits_for_the_proof_and_prints_it(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    monitor = {"Link": '</api/v1/changes/abc/>; rel="monitor"'}
    proofs = [
        {
            "target": 7,
            "kind": "relay_repository",
            "stop_code": "",
            "proof": {"commit": "4f2c", HOSTILE: HOSTILE},
        }
    ]
    going = {"observed": False, "over": False, "places": 1, "places_observed": 0, "proofs": []}
    proved = {"observed": True, "over": True, "places": 1, "places_observed": 1, "proofs": proofs}
    server.says(fine({"note": "x"}, **monitor), fine(going), fine(proved))
    assert main(["mailboxes", "change", "ada@example.org", "--note", "x", "--wait"]) == 0
    shown = capsys.readouterr().out
    assert "relay_repository 7: commit 4f2c" in shown
    assert harmless(shown)
    assert server.seen[1][1] == "/api/v1/changes/abc/?wait=10"
    stopped = [{**proofs[0], "stop_code": "host-key-unknown"}]
    server.says(fine({}, **monitor), fine({**going, "over": True, "proofs": stopped}))
    assert main(["mailboxes", "change", "ada@example.org", "--note", "x", "--wait", "--json"]) == 7
    assert json.loads(capsys.readouterr().out)["change"]["proofs"] == stopped
