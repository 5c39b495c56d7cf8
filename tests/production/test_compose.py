"""docker/: what reaches whom, that Rookery starts with what it is given, and that all it names exists.

No engine runs here: images are not built and containers not started.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from panel.management.commands.up import WORKERS
from tests.production.composed import DOCKER, ROOT, compose, filled, ours, services
from workers.celery import QUEUES


def workers() -> set[str]:
    return {name for name, each in ours().items() if "worker" in each.get("command", []) or name == "watch"}


def test_it_keeps_to_the_schema_of_the_specification() -> None:
    """Which is without mercy: a key that it does not know is a mistake."""
    schema = json.loads((ROOT / "tests/vendor/compose-spec.json").read_text())
    judge = Draft7Validator(schema)
    assert [f"{each.json_path}: {each.message}" for each in judge.iter_errors(compose())] == []
    for wrong in ({"read_onyl": True}, {"cap_drop": "ALL"}, {"healthcheck": {"interval": 5}}):
        mended = {**compose(), "services": {"web": {**services()["web"], **wrong}}}
        assert len(list(judge.iter_errors(mended))) == 1


@pytest.mark.parametrize("name", sorted(services()))
def test_every_service_is_confined(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert ("ports" in service) == (name == "proxy")
    assert "privileged" not in service
    assert service["restart"] in {"unless-stopped", "no"}


def test_all_that_is_named_is_there() -> None:
    whole = compose()
    health = {"database", "broker"} | set(ours())
    for service in services().values():
        assert set(service.get("secrets", [])) <= set(whole["secrets"])
        assert set(service["networks"]) <= set(whole["networks"])
        for each in service.get("volumes", []):
            source = each.split(":")[0]
            assert (DOCKER / source).is_file() if source.startswith(".") else source in whole["volumes"]
        for other, how in service.get("depends_on", {}).items():
            assert other in services()
            if how["condition"] == "service_healthy":
                assert other in health
        for value in service.get("environment", {}).values():
            assert isinstance(value, str)
            if value.startswith("/run/secrets/"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_only_workers_can_open_what_is_sealed() -> None:
    assert len(workers()) == len(WORKERS) + 1
    for name, service in services().items():
        told = json.dumps(service)
        assert ("workers_key" in told) == (name in workers()), name
        assert ("smtp_password" in told) == (name in workers()), name
        assert ("database_password" in told) == (name == "database"), name


def test_only_the_proxy_and_the_workers_reach_the_internet() -> None:
    networks = compose()["networks"]
    open_ones = {name for name, each in networks.items() if not (each or {}).get("internal")}
    reach = {name for name, each in services().items() if open_ones & set(each["networks"])}
    assert reach == workers() | {"proxy"}


def test_every_queue_has_its_worker_as_in_the_demo() -> None:
    said = {
        name: [word for word in service["command"] if word.startswith(("--queues", "--concurrency"))]
        for name, service in ours().items()
        if "worker" in service.get("command", [])
    }
    assert said == WORKERS
    queues = [each for words in said.values() for each in words[1].partition("=")[2].split(",")]
    assert sorted(queues) == sorted(QUEUES)


def test_without_a_name_it_does_not_start() -> None:
    with pytest.raises(KeyError):
        filled((DOCKER / "compose.yaml").read_text(), {})


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What docker/up makes before it needs Docker, and the keys that it has Rookery make."""
    folder = tmp_path_factory.mktemp("docker")
    shutil.copy(DOCKER / "up", folder)
    refused = subprocess.run([folder / "up"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "env.example" in refused.stderr
    shutil.copy(DOCKER / "env.example", folder / ".env")
    for _ in range(2):
        subprocess.run([folder / "up", "--secrets-only"], check=True, capture_output=True)
        made = {each.name: each.read_text() for each in (folder / "secrets").iterdir()}
    assert {each.name: each.read_text() for each in (folder / "secrets").iterdir()} == made
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700
    subprocess.run(
        [sys.executable, "-m", "tenants.keys", str(folder / "secrets")],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return folder / "secrets"


def test_every_secret_is_made(secrets: Path) -> None:
    for each in compose()["secrets"].values():
        assert (secrets / Path(each["file"]).name).is_file()
    password = (secrets / "broker.conf").read_text().split()[1]
    assert len(password) == 64
    assert password in (secrets / "redis_url").read_text()
    assert (secrets / "database_password").read_text() in (secrets / "database_url").read_text()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("web", "import panel.asgi; from django.conf import settings as s; assert s.METRICS_TOKEN"),
        ("worker", "import panel.settings as s; assert s.WORKERS_KEY and s.ALIVE_FILE"),
        ("beat", "import panel.settings as s; assert not s.WORKERS_KEY"),
    ],
)
def test_rookery_starts_with_what_its_service_is_given(
    name: str, words: str, secrets: Path, tmp_path: Path
) -> None:
    """Each kind of process reads its settings, in production, from these very files."""
    files = {key: str(secrets / Path(each["file"]).name) for key, each in compose()["secrets"].items()}
    given = {
        key: files[value.removeprefix("/run/secrets/")] if value.startswith("/run/secrets/") else value
        for key, value in ours()[name]["environment"].items()
    }
    assert given["ROOKERY_PRODUCTION"] == "1"
    done = subprocess.run(
        [sys.executable, "-c", words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **given, "ROOKERY_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def dockerfile() -> list[tuple[str, str]]:
    """Instructions with their words; comments and line ends taken away."""
    text = re.sub(r"^#.*\n", "", (DOCKER / "Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]  # type: ignore[misc]


def test_the_image_holds_what_its_processes_need_and_nothing_else() -> None:
    lines = dockerfile()
    assert {word for word, _ in lines} <= {
        "ARG", "FROM", "ENV", "RUN", "COPY", "WORKDIR", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD",
    }  # fmt: skip
    sources = [
        source
        for word, rest in lines
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    ]
    allowed = {
        line.removeprefix("!")
        for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert set(sources) == allowed
    for source in sources:
        assert (ROOT / source).exists(), source
    assert {"panel", "tenants", "workers", "templates", "static"} <= set(sources)
    text = "\n".join(rest for _, rest in lines)
    assert "--require-hashes" in text
    assert [rest for word, rest in lines if word == "USER"][-1] == "10001:10001"
    assert lines[-1][0] == "CMD"
    log = json.loads((DOCKER / "uvicorn-log.json").read_text())
    assert all(each["propagate"] for each in log["loggers"].values())


def test_what_the_services_run_exists() -> None:
    told = [
        json.loads(rest.split("CMD ", 1)[-1]) for word, rest in dockerfile() if word in {"CMD", "HEALTHCHECK"}
    ]
    for words in [*told, *(each["command"] for each in ours().values() if "command" in each)]:
        if words[0] == "python":
            assert (ROOT / words[1]).is_file()
            if words[1] == "manage.py" and words[2] != "migrate":
                assert list(ROOT.glob(f"*/management/commands/{words[2]}.py"))
        else:
            assert (Path(sys.executable).parent / words[0]).is_file()


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        well = self.path == "/healthz" and self.headers["Host"] == "panel.example.org"
        self.send_response(200 if well else 400)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_health_checks_tell_the_well_from_the_ill(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    problem = runpy.run_path(str(DOCKER / "healthy.py"))["problem"]
    alive = tmp_path / "alive"
    monkeypatch.setenv("ROOKERY_ALIVE_PATH", str(alive))
    assert "never" in problem()
    alive.touch()
    assert problem() == ""
    os.utime(alive, (1, 1))
    assert "s ago" in problem()

    monkeypatch.delenv("ROOKERY_ALIVE_PATH")
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("PORT", str(server.server_address[1]))
        monkeypatch.setenv("ROOKERY_URL", "https://panel.example.org")
        assert problem() == ""
        monkeypatch.setenv("ROOKERY_URL", "https://other.example.org")
        assert "400" in problem()
        server.shutdown()
    assert "did not answer" in problem()


def test_the_proxy_keeps_to_itself_what_machines_read() -> None:
    """And what it logs when web is away: docker/debian/rehearse looks at that."""
    text = (DOCKER / "Caddyfile").read_text()
    for line in ("request>uri delete", "request>headers delete", "read_header 15s"):
        assert len(re.findall(rf"^\t+{line}$", text, re.M)) == 1
    assert re.search(r"@inside path /metrics /readyz\n\s*respond @inside 404", text)
    assert set(re.findall(r"\{\$(\w+)\}", text)) == set(services()["proxy"]["environment"])
    front = services()["proxy"]["networks"]["front"]["ipv4_address"]
    assert services()["web"]["environment"]["ROOKERY_TRUSTED_PROXIES"] == front
