"""A setting that makes no sense stops the start: it is named, with what is wrong and what to write."""

from __future__ import annotations

import base64
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from nacl.public import PrivateKey

from tenants import keys

ROOT = Path(__file__).resolve().parents[2]
KEY = base64.b64encode(bytes(PrivateKey.generate())).decode()


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read the settings as at a start, with nothing else set."""

    def load(**given: str) -> dict[str, Any]:
        for name in list(os.environ):
            if name.startswith(("ROOKERY_", "DATABASE_URL", "REDIS_URL")):
                monkeypatch.delenv(name)
        for name, value in {"ROOKERY_DATA": str(tmp_path / "data"), **given}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "panel" / "settings.py"))

    return load


# The variable, a value that makes no sense, and a word of what to write instead.
BAD = [
    ("ROOKERY_DATA", "/dev/null/data", "folder"),
    ("ROOKERY_PORT", "http", "1 to 65535"),
    ("ROOKERY_PORT", "0", "1 to 65535"),
    ("ROOKERY_PORT", "65536", "1 to 65535"),
    ("ROOKERY_URL", "panel", "https://panel.example.org"),
    ("ROOKERY_URL", "ftp://panel.example.org", "https://panel.example.org"),
    ("ROOKERY_URL", "https://panel.example.org/rookery", "https://panel.example.org"),
    ("ROOKERY_URL", "https://panel.example.org?x=1", "https://panel.example.org"),
    ("ROOKERY_URL", "https://panel.example.org#x", "https://panel.example.org"),
    ("ROOKERY_URL", "https://panel.example.org:99999", "https://panel.example.org"),
    ("ROOKERY_URL", "https://me:swordfish@panel.example.org", "https://panel.example.org"),
    ("ROOKERY_URL", "https://panel example.org", "https://panel.example.org"),
    ("ROOKERY_RESOLVER", "dns.example.org", "192.0.2.53"),
    ("ROOKERY_RESOLVER", "192.0.2.53,", "192.0.2.53"),
    ("ROOKERY_RESOLVER", "192.0.2.53:dns", "192.0.2.53"),
    ("ROOKERY_RESOLVER", "https://192.0.2.53/dns-query", "192.0.2.53"),
    ("ROOKERY_BLOCK_LISTS", "zen.spamhaus.org,", "zen.spamhaus.org"),
    ("ROOKERY_BLOCK_LISTS", "192.0.2.1", "zen.spamhaus.org"),
    ("ROOKERY_BLOCK_LISTS", ",".join(f"l{number}.example" for number in range(9)), "at most 8"),
    ("ROOKERY_CANARY_HOME", "canary", "canary@panel.example.org"),
    ("ROOKERY_CANARY_HOME", "canary@panel.example.org", "ROOKERY_CANARY_MAILDIR"),
    ("ROOKERY_CANARY_MAILDIR", "/var/mail/canary", "ROOKERY_CANARY_HOME"),
    ("ROOKERY_CANARY_MAILDIR", "canary", "/var/mail/canary/Maildir"),
    ("ROOKERY_NEAR_NETWORKS", "10.0.0.1/8", "10.0.0.0/8"),
    ("ROOKERY_NEAR_NETWORKS", "home", "10.0.0.0/8"),
    ("ROOKERY_DEBUG", "maybe", "1 or 0"),
    ("ROOKERY_SANDBOX", "2", "1 or 0"),
    ("ROOKERY_BEHIND_PROXY", "nginx", "1 or 0"),
    ("ROOKERY_SECRET_KEY", "short", "50"),
    ("ROOKERY_SECRET_KEY", "a" * 60, "50"),
    ("ROOKERY_WORKERS_PUBLIC_KEY", "nonsense", "workers.pub"),
    ("ROOKERY_WORKERS_PUBLIC_KEY", "AAAA", "workers.pub"),
    ("ROOKERY_WORKERS_KEY", "nonsense", "workers.key"),
    ("ROOKERY_HOSTS", "*", "panel.example.org"),
    ("ROOKERY_HOSTS", "https://panel.example.org", "panel.example.org"),
    ("ROOKERY_HOSTS", "panel.example.org:8080", "panel.example.org"),
    ("ROOKERY_HOSTS", "panel.example.org,,x y", "panel.example.org"),
    ("ROOKERY_TRUSTED_PROXIES", "proxy.example.org", "192.0.2.1"),
    ("ROOKERY_TRUSTED_PROXIES", "10.0.0.0/8", "192.0.2.1"),
    ("ROOKERY_TIME_ZONE", "Mars/Olympus", "Europe/Paris"),
    ("ROOKERY_TIME_ZONE", "../../etc/passwd", "Europe/Paris"),
    ("DATABASE_URL", "mysql://rookery:swordfish@db/rookery", "postgresql://"),
    ("DATABASE_URL", "postgresql://rookery:swordfish@db", "postgresql://"),
    ("DATABASE_URL", "postgresql://rookery:swordfish@db:port/rookery", "postgresql://"),
    ("DATABASE_URL", "postgresql://rookery:swordfish@db/rookery?pgbouncer=true", "postgresql://"),
    ("DATABASE_URL", "sqlite:///rookery.sqlite3", "leave it out"),
    ("REDIS_URL", "127.0.0.1:6379", "redis://"),
    ("REDIS_URL", "http://:swordfish@127.0.0.1", "redis://"),
    ("REDIS_URL", "redis://:swordfish@127.0.0.1:port", "redis://"),
    ("ROOKERY_SWEEP_SECONDS", "0", "above zero"),
    ("ROOKERY_SWEEP_SECONDS", "nan", "above zero"),
    ("ROOKERY_SWEEP_SECONDS", "inf", "above zero"),
    ("ROOKERY_CHECK_SECONDS", "-1", "above zero"),
    ("ROOKERY_CHECK_SECONDS", "a minute", "above zero"),
    ("ROOKERY_CONFIRM_DAYS", "367", "366"),
    ("ROOKERY_STAFF_SESSION_HOURS", "337", "336"),
    ("ROOKERY_STAFF_SECOND_FACTOR", "often", "1 or 0"),
    ("ROOKERY_CONFIRM_DAYS", "soon", "366"),
    ("ROOKERY_SMTP_HOST", "smtp.example.org:587", "ROOKERY_SMTP_PORT"),
    ("ROOKERY_SMTP_PORT", "smtp", "1 to 65535"),
    ("ROOKERY_SMTP_PORT", "70000", "1 to 65535"),
    ("ROOKERY_SMTP_USER", "rookery", "ROOKERY_SMTP_PASSWORD"),
    ("ROOKERY_SMTP_PASSWORD", "swordfish", "ROOKERY_SMTP_USER"),
    ("ROOKERY_MAIL_FROM", "Rookery", "Rookery <rookery@example.org>"),
    ("ROOKERY_MAIL_FROM", "Rookery <a@example.org>\nBcc: all@example.org", "Rookery <rookery@example.org>"),
    ("ROOKERY_LOG_LEVEL", "LOUD", "INFO"),
    ("ROOKERY_DATA", "~nobody-of-this-name/rookery", "folder"),
    ("ROOKERY_DATA", "/tmp/a\nb", "folder"),
    ("ROOKERY_HOSTS", "a" * 100_000, "panel.example.org"),
    ("ROOKERY_PRODUCTION", "yes please " * 10_000, "1 or 0"),
    ("ROOKERY_SWEEP_SECONDS", "1_0", "above zero"),
    ("ROOKERY_SWEEP_SECONDS", "\N{ARABIC-INDIC DIGIT THREE}", "above zero"),
    ("ROOKERY_RESOLVER", "[2001:db8::53]x", "192.0.2.53"),
    ("ROOKERY_MAIL_FROM", "redis://:swordfish@broker:6379/0", "Rookery <rookery@example.org>"),
    ("DATABASE_URL", "postgresql://rookery:swordfish@db/rookery?sslmode=always", "verify-full"),
    ("DATABASE_URL", "postgresql://rookery:swordfish@db/rookery?connect_timeout=soon", "seconds"),
    ("DATABASE_URL", "postgresql://rookery:swordfish@db/%00", "postgresql://"),
    ("REDIS_URL", "redis://:swordfish@127.0.0.1/first", "redis://"),
]


@pytest.mark.parametrize(("name", "value", "fix"), BAD, ids=[f"{name}={value!r}" for name, value, _ in BAD])
def test_it_is_named_with_the_fix_and_no_secret(load: Any, name: str, value: str, fix: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        load(**{name: value})
    said = str(refused.value)
    assert said.startswith(f"The setting {name} ")
    assert fix in said
    assert "swordfish" not in said
    assert "\n" not in said
    assert said.endswith(".")
    assert 30 < len(said) < 400


TOGETHER = [
    ({"ROOKERY_SMTP_TLS": "1", "ROOKERY_SMTP_STARTTLS": "1"}, "ROOKERY_SMTP_STARTTLS"),
    (
        {"ROOKERY_WORKERS_KEY": KEY, "ROOKERY_WORKERS_PUBLIC_KEY": keys.public_half(KEY)[:-4] + "AAA="},
        "belong together",
    ),
]


@pytest.mark.parametrize(("given", "word"), TOGETHER)
def test_what_does_not_go_together(load: Any, given: dict[str, str], word: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=word) as refused:
        load(**given)
    for name in given:
        assert name in str(refused.value)
    assert KEY not in str(refused.value)


GOOD = [
    {},
    {"ROOKERY_URL": "https://panel.example.org/", "ROOKERY_HOSTS": "panel, PANEL.example.net,192.0.2.7,::1"},
    {"ROOKERY_URL": "http://[::1]:8080", "ROOKERY_TRUSTED_PROXIES": "192.0.2.1, 2001:DB8::1"},
    {"DATABASE_URL": "postgresql://rookery:a%40b%2Fc@db:5432/rookery"},
    {"DATABASE_URL": "postgres:///rookery?host=/run/postgresql"},
    {"REDIS_URL": "rediss://:a%40b@broker.example.org:6380/0"},
    {"REDIS_URL": "redis+socket:///run/redis.sock?virtual_host=0"},
    {"ROOKERY_SMTP_USER": "rookery", "ROOKERY_SMTP_PASSWORD": "x", "ROOKERY_SMTP_TLS": "yes"},
    {"ROOKERY_MAIL_FROM": "post@example.org", "ROOKERY_LOG_LEVEL": "debug"},
    {"ROOKERY_TIME_ZONE": "Asia/Tokyo"},
    {"ROOKERY_SECRET_KEY": "aB3$x" * 10},
    {"ROOKERY_WORKERS_KEY": KEY, "ROOKERY_WORKERS_PUBLIC_KEY": keys.public_half(KEY)},
    {"ROOKERY_PORT": "", "ROOKERY_URL": "", "ROOKERY_DEBUG": "", "DATABASE_URL": "", "REDIS_URL": ""},
]


@pytest.mark.parametrize("given", GOOD)
def test_what_makes_sense_is_welcome(load: Any, given: dict[str, str]) -> None:
    load(**given)


def test_what_they_become(load: Any) -> None:
    found = load(
        ROOKERY_URL="http://[::1]:8080",
        ROOKERY_HOSTS="panel, PANEL.example.net,2001:db8::7",
        ROOKERY_TRUSTED_PROXIES="192.0.2.1, 2001:DB8:0::1",
        DATABASE_URL="postgresql://rookery:a%40b%2Fc@db:5432/rookery",
    )
    assert {"panel", "panel.example.net", "[::1]", "[2001:db8::7]"} <= set(found["ALLOWED_HOSTS"])
    assert found["TRUSTED_PROXIES"] == ("192.0.2.1", "2001:db8::1")
    database = found["DATABASES"]["default"]
    assert (database["USER"], database["PASSWORD"], database["PORT"]) == ("rookery", "a@b/c", "5432")


def test_a_wish_for_tls_reaches_the_database(load: Any) -> None:
    found = load(DATABASE_URL="postgresql://db.example.org/rookery?sslmode=verify-full&sslrootcert=/ca.pem")
    options = found["DATABASES"]["default"]["OPTIONS"]
    assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "/ca.pem")


def test_a_pooler_may_stand_before_the_database(load: Any) -> None:
    """One that gives each transaction another connection keeps neither cursors nor prepared statements."""
    database = load(DATABASE_URL="postgresql://rookery@127.0.0.1:6432/rookery")["DATABASES"]["default"]
    assert database["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert database["OPTIONS"].get("prepare_threshold") is None
    assert "options" not in database["OPTIONS"]


def test_a_worker_elsewhere_needs_its_own_key_only(load: Any, tmp_path: Path) -> None:
    """No pair of its own is made, whose public half nobody seals to; and another pair is noticed."""
    found = load(ROOKERY_WORKERS_KEY=KEY)
    assert found["WORKERS_PUBLIC_KEY"] == keys.public_half(KEY)
    assert not list(tmp_path.rglob("workers.*"))
    load()
    with pytest.raises(ImproperlyConfigured, match="do not belong together"):
        load(ROOKERY_WORKERS_KEY=KEY)


def test_values_come_from_files_too(load: Any, tmp_path: Path) -> None:
    """As secrets of containers do: what an editor adds at the end does not count."""
    url = tmp_path / "url"
    url.write_text("postgresql://rookery:swordfish@127.0.0.1/rookery\n")
    assert load(DATABASE_URL_FILE=str(url))["DATABASES"]["default"]["NAME"] == "rookery"
    for absent in (tmp_path / "nothing", tmp_path):
        with pytest.raises(ImproperlyConfigured) as refused:
            load(DATABASE_URL_FILE=str(absent))
        assert str(refused.value).startswith("The setting DATABASE_URL_FILE ")
        assert str(absent) in str(refused.value)


@pytest.mark.parametrize("name", ["ROOKERY_SECRET_KEY", "ROOKERY_HOSTS", "ROOKERY_PORT"])
def test_a_file_that_cannot_be_one(name: str, load: Any, tmp_path: Path) -> None:
    """A value in the place of a path is easily written, and is not repeated: it may be a secret."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for path in ("swordfish", "swordfish" * 1000, "/swordfish\n", str(tmp_path / "bytes"), "/" + "x" * 9000):
        with pytest.raises(ImproperlyConfigured) as refused:
            load(**{f"{name}_FILE": path})
        said = str(refused.value)
        assert said.startswith(f"The setting {name}_FILE names ")
        assert ("swordfish" in said) == (path[0] == "/" and "swordfish" in path)
        assert said.isprintable()
        assert len(said) < 300


def test_a_value_and_a_file_at_once(load: Any, tmp_path: Path) -> None:
    """Which of them counts would be a guess."""
    (tmp_path / "key").write_text("swordfish" * 9)
    with pytest.raises(ImproperlyConfigured) as refused:
        load(ROOKERY_SECRET_KEY="aB3$x" * 10, ROOKERY_SECRET_KEY_FILE=str(tmp_path / "key"))
    assert str(refused.value) == (
        "The setting ROOKERY_SECRET_KEY is set, and ROOKERY_SECRET_KEY_FILE too. Take one of them away."
    )
    load(ROOKERY_SECRET_KEY="", ROOKERY_SECRET_KEY_FILE=str(tmp_path / "key"))


def test_a_command_refuses_in_one_line(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROOKERY_")}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**kept, "ROOKERY_DATA": str(tmp_path), "ROOKERY_PORT": "http"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Rookery cannot start: The setting ROOKERY_PORT ")
    assert len(done.stderr.splitlines()) == 1
