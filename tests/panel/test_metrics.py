"""What Prometheus reads, the board and the alerts that stand on it, and readiness."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from panel.metrics import database
from panel.metrics.http import REGISTRY
from tenants import outbox
from tenants.models import Condition, Domain, Installation, Repository, Run, SyncTarget
from workers import sweeper

FOLDER = Path(__file__).resolve().parents[2] / "docker" / "monitoring"
TOKEN = "a-token-of-more-than-32-characters-0123"
NOW = timezone.now
# Of a machine that has much else to do.
QUICK = examples(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def token(settings: Any) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


@pytest.fixture
def target(domain: Domain) -> SyncTarget:
    repository = Repository.objects.create(
        organization=domain.organization,
        domain=domain,
        host="git.example.org",
        path="relay.git",
        public_key="k",
        sealed_key=b"k",
    )
    return SyncTarget.objects.create(
        kind="relay_repository",
        organization=domain.organization,
        repository=repository,
        marked_at=NOW() - timedelta(minutes=10),
    )


def scrape() -> str:
    answer = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return answer.content.decode()


def values() -> dict[tuple[str, ...], float]:
    """By name and label values, in the order of the labels' names."""
    return {
        (each.name, *(each.labels[name] for name in sorted(each.labels))): each.value
        for family in text_string_to_metric_families(scrape())
        for each in family.samples
    }


def test_without_the_token_there_is_nothing_to_read(settings: Any) -> None:
    asked = {"authorization": f"Bearer {TOKEN}"}
    assert Client().get("/metrics", headers=asked).status_code == 404
    settings.METRICS_TOKEN = TOKEN
    for given_ in ("", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN):
        answer = Client().get("/metrics", headers={"authorization": given_})
        assert answer.status_code == 401
        assert b"rookery_" not in answer.content
    assert Client().post("/metrics", headers=asked).status_code == 405
    assert Client().get("/metrics", headers=asked).status_code == 200


def test_prometheus_asks_by_addresses_and_nobody_else_does(token: str, settings: Any) -> None:
    """As docker/monitoring/prometheus.yml finds them: what it asks names no host of ours."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"][0]
    assert [each["type"] for each in config["dns_sd_configs"]] == ["A"]
    settings.ALLOWED_HOSTS = ["localhost"]
    for host in ("172.31.251.7:8000", "[fd00::7]:8000"):
        asked = {"host": host, "authorization": f"Bearer {TOKEN}"}
        assert Client().get("/metrics", headers=asked).status_code == 200
        assert Client().get("/metrics", headers={"host": host}).status_code == 401
        for path in ("/readyz", "/healthz", "/sign-in", "/metrics/"):
            assert Client().get(path, headers=asked).status_code == 400


def test_the_state_of_the_work_is_told(token: str, target: SyncTarget) -> None:
    now = NOW()
    common = {"target": target, "organization": target.organization, "generation": 1, "title": "t"}
    for outcome, asked in (("observed", 30), ("observed", 4), ("bug", 0)):
        Run.objects.create(
            **common,
            state="failed" if outcome == "bug" else "succeeded",
            outcome=outcome,
            created_at=now,
            asked_at=now - timedelta(seconds=asked),
            finished_at=now,
        )
    Run.objects.create(**common, state="succeeded", outcome="old", created_at=now - timedelta(hours=2))
    Condition.objects.create(
        target=target, type="Drifted", status=True, reason="r", message="m", since=now, seen_at=now
    )
    told = values()
    kind = "relay_repository"
    assert told["rookery_database_up",] == 1
    assert told["rookery_targets", kind] == told["rookery_targets_waiting", kind] == 1
    assert told["rookery_targets_waiting", "firewall"] == 0
    assert 600 <= told["rookery_oldest_waiting_seconds", kind] < 660
    assert told["rookery_runs_last_hour", kind, "apply", "observed", "succeeded"] == 2
    assert told["rookery_runs_last_hour", kind, "apply", "bug", "failed"] == 1
    assert not any("old" in key for key in told)
    assert told["rookery_request_to_observed_seconds", kind, "0.5"] == 4
    assert told["rookery_request_to_observed_seconds", kind, "0.99"] == 30
    assert told["rookery_conditions", kind, "true", "Drifted"] == 1
    assert ("rookery_sweep_age_seconds",) not in told

    SyncTarget.objects.update(stop_code="refused", stop_generation=1)
    told = values()
    assert told["rookery_targets_waiting", kind] == told["rookery_oldest_waiting_seconds", kind] == 0
    assert told["rookery_targets_stopped", kind] == 1


def test_a_change_that_waits_for_a_lease_is_told(token: str, target: SyncTarget) -> None:
    until = NOW() + timedelta(seconds=60)
    SyncTarget.objects.update(lease_owner="w", lease_until=until, fence=7, generation=2)
    run = Run.objects.create(
        target=target, generation=2, title="t", state="running", fence=7, created_at=NOW()
    )
    assert values()["rookery_lease_waits", "relay_repository"] == 0
    Run.objects.filter(pk=run.pk).update(generation=1)
    told = values()
    assert told["rookery_lease_waits", "relay_repository"] == 1
    assert told["rookery_lease_wait_seconds", "relay_repository"] >= 600
    assert told["rookery_leases", "relay_repository", "held"] == 1
    SyncTarget.objects.update(lease_until=NOW() - timedelta(seconds=1))
    assert values()["rookery_leases", "relay_repository", "left"] == 1


def test_a_new_edit_does_not_make_an_old_one_younger(target: SyncTarget) -> None:
    from django.db import transaction

    def marked() -> float:
        with transaction.atomic():
            outbox.mark([target])
        target.refresh_from_db()
        return (NOW() - target.marked_at).total_seconds()

    assert marked() >= 600
    SyncTarget.objects.update(observed_generation=target.generation)
    assert marked() < 5
    SyncTarget.objects.update(
        marked_at=target.marked_at - timedelta(hours=1), stop_code="x", stop_generation=9
    )
    assert marked() < 5


def test_requests_are_counted_by_template_and_no_name_gets_out(
    token: str, target: SyncTarget, domain: Domain
) -> None:
    client = Client()
    client.get(f"/d/{domain.name}/addresses")
    for path in ("/nowhere/of/anybody", "/nowhere/else"):
        client.generic("BREW", path)
    told = values()
    assert told["rookery_http_requests_total", "OTHER", "none", "4xx"] >= 2
    assert any("<" in key[2] for key in told if key[0] == "rookery_http_requests_total")
    text = scrape()
    for name in ("example", domain.organization.name, "anybody"):
        assert name not in text


@QUICK
@given(st.lists(st.integers(0, 99), min_size=1, max_size=30), st.sampled_from(database.QUANTILES))
def test_a_quantile_is_one_of_the_values_that_enough_do_not_exceed(values: list[int], share: float) -> None:
    found = database.quantile(values, share)
    assert found in values
    assert sum(each <= found for each in values) >= share * len(values)
    assert sum(each < found for each in values) < share * len(values)


@QUICK
@given(st.lists(st.tuples(st.just("k"), st.just("m"), st.just("s"), st.text(), st.integers(1, 9))))
def test_outcomes_are_bounded_and_none_is_lost(rows: list[tuple[str, str, str, str, int]]) -> None:
    told = database._bounded(rows)
    assert len(told) <= database.MOST_OUTCOMES + 1
    assert sum(value for _, value in told) == sum(row[-1] for row in rows)


def test_a_scrape_without_a_database_says_so(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Iterator[Any]:
        raise DatabaseError

    monkeypatch.setattr(database, "_all", broken)
    told = {each.name: each.samples for each in database.WorkCollector().collect()}
    assert list(told) == ["rookery_database_up"]
    assert told["rookery_database_up"][0].value == 0


def known_names() -> set[str]:
    """Every name that a scrape can hold."""
    from panel.metrics import http

    http.REQUESTS.labels("GET", "none", "2xx")
    http.SECONDS.labels("none")
    return set(database.NAMES) | {each.name for family in REGISTRY.collect() for each in family.samples}


def test_board_and_alerts_name_only_metrics_that_exist(token: str) -> None:
    board = json.loads((FOLDER / "board.json").read_text())
    alerts = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    expressions = [rule["expr"] for rule in rules]
    expressions += [query["expr"] for panel in board["panels"] for query in panel["targets"]]
    assert len(rules) > 10
    assert len(board["panels"]) > 10
    known = known_names()
    for expression in expressions:
        named = re.findall(r"\brookery_\w+", expression)
        assert named or expression == 'up{job="rookery"} == 0 or absent(up{job="rookery"})'
        assert set(named) <= known, expression
        assert expression.count("(") == expression.count(")")
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert set(rule["annotations"]) == {"summary", "description"}
    # Labels in braces are ones that the metric has.
    for name, label in re.findall(r"\b(rookery_\w+)\{(\w+)=", " ".join(expressions)):
        if name in database.NAMES:
            assert label in database.NAMES[name][1]
    # And whoever scrapes does it as the page wants to be asked.
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"][0]
    assert (config["metrics_path"], config["authorization"]["type"]) == ("/metrics", "Bearer")


def test_readiness_tells_when_nobody_sweeps(target: SyncTarget) -> None:
    answer = Client().get("/readyz").json()
    assert (answer["ok"], answer["sweep_age_seconds"]) == (True, None)
    assert any("swept" in each for each in answer["warnings"])
    assert 600 <= answer["oldest_unsynced_seconds"] < 660
    sweeper.sweep()
    answer = Client().get("/readyz").json()
    assert answer["sweep_age_seconds"] < 60
    assert not any("swept" in each for each in answer["warnings"])
    Installation.objects.update(swept_at=NOW() - timedelta(minutes=5))
    assert any("swept" in each for each in Client().get("/readyz").json()["warnings"])
