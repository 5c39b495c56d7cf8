"""What a page makes the database do: counted, not timed, so it is the same on every machine.

SQLite counts the steps of its virtual machine, PostgreSQL the rows that it read.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

_EVERY = 50


@dataclass
class Cost:
    """`work` in steps (SQLite) or rows read (PostgreSQL); `queries` with their plans."""

    work: int = 0
    seconds: float = 0.0
    queries: list[tuple[int, str]] = field(default_factory=list)

    def told(self) -> str:
        dearest = sorted(self.queries, reverse=True)[:2]
        told = [f"{work:>10,}  {sql[:100]} … {sql[-1500:]}" for work, sql in dearest]
        return "\n".join([f"{self.work:,} in {self.seconds * 1000:.0f} ms:", *told])


def cost_of(ask: Callable[[], Any]) -> Cost:
    cost = Cost()
    watch = _watch_postgres if connection.vendor == "postgresql" else _watch_sqlite
    with connection.execute_wrapper(watch(cost)):
        start = time.perf_counter()
        ask()
        cost.seconds = time.perf_counter() - start
    cost.work = sum(work for work, _ in cost.queries)
    return cost


def _watch_sqlite(cost: Cost) -> Any:
    def watch(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        steps = [0]

        def count() -> int:
            steps[0] += _EVERY
            return 0

        connection.connection.set_progress_handler(count, _EVERY)
        try:
            cursor = execute(sql, parameters, many, context)
            # Rows are read as they are fetched: take them all, here, where they are counted.
            if sql.startswith("SELECT") and parameters is not None:
                plain = connection.connection.execute(sql.replace("%s", "?").replace("%%", "%"), parameters)
                plain.fetchall()
            return cursor
        finally:
            connection.connection.set_progress_handler(None, 0)
            cost.queries.append((steps[0], f"{sql}\n{_plan(sql, parameters) if steps[0] > 10_000 else None}"))

    return watch


def _plan(sql: str, parameters: Any) -> str:
    question = f"EXPLAIN QUERY PLAN {sql}".replace("%s", "?").replace("%%", "%")
    return "; ".join(row[3] for row in connection.connection.execute(question, parameters or ()))


def _watch_postgres(cost: Cost) -> Any:
    def watch(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.lstrip("(").startswith("SELECT"):
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
                plan = cursor.fetchone()[0]
            plan = json.loads(plan) if isinstance(plan, str) else plan
            cost.queries.append((_rows_read(plan[0]["Plan"]), f"{sql}\n{json.dumps(plan)[:3000]}"))
        return execute(sql, parameters, many, context)

    return watch


def _rows_read(node: dict[str, Any]) -> int:
    """Rows that the leaves of a plan looked at, those thrown away too."""
    children = node.get("Plans", [])
    found = sum(_rows_read(child) for child in children)
    if "Scan" in node["Node Type"] and node["Node Type"] != "Subquery Scan":
        thrown = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        found += int((node["Actual Rows"] + thrown) * node["Actual Loops"])
    return found
