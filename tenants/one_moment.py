"""Several reads of the database as it is at one moment.

What workers write outside is put together from several queries. Between two of them anybody may change
something: then a row is as it is now and what belongs to it as it was before, and what neither asked for is
written. (An address whose passphrase changed between them had no targets, so it was taken away.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction


@contextmanager
def one_moment(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """All that is read inside is as it was at the first read; nothing can be written inside.

    Nobody who writes has to wait for it, and it fails for nobody's sake. Within a transaction that has begun
    already it changes nothing: that one's own locks hold what it reads.
    """
    if connections[using].in_atomic_block:
        yield
        return
    with ExitStack() as ended:
        _begin_reading(using, ended)
        yield


def _begin_reading(using: str, ended: ExitStack) -> None:
    connection: Any = connections[using]
    if connection.vendor == "postgresql":
        ended.enter_context(transaction.atomic(using))
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return
    # Ours begin as writers, so that none of them fails half-way; this one only reads.
    connection.ensure_connection()  # which sets the usual mode
    usual, connection.transaction_mode = connection.transaction_mode, "DEFERRED"
    try:
        ended.enter_context(transaction.atomic(using))
    finally:
        connection.transaction_mode = usual
