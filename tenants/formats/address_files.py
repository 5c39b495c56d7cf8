"""A file of addresses, whatever wrote it: our own CSV and JSON, or another mail server's."""

from __future__ import annotations

from tenants.formats.address_rows import Wish, read_wishes
from tenants.formats.moved.docker_mailserver import is_docker_mailserver, read_docker_mailserver
from tenants.formats.moved.postfixadmin import is_postfixadmin, read_postfixadmin
from tenants.formats.moved.wishes import wishes_of
from tenants.formats.tables import decode
from tenants.formats.text import FormatError


def read_addresses(content: bytes, *, domain: str) -> tuple[str, list[Wish]]:
    """What its rows are called (`line` or `row`), and the rows as wishes about addresses of `domain`.

    Its form says what it is: PostfixAdmin's tables as SQL or CSV, docker-mailserver's files, else a table of
    ours. Raises FormatError (field `file`) for what is none of them.
    """
    text = decode(content)
    if is_postfixadmin(text):
        unit, found = read_postfixadmin(content, text)
    elif is_docker_mailserver(text):
        unit, found = read_docker_mailserver(text)
    else:
        table, wishes = read_wishes(content, domain=domain)
        return "line" if table.kind == "csv" else "row", wishes
    if not (moved := wishes_of(found, domain=domain, unit=unit)):
        raise FormatError(
            "file",
            "There is no address in this file.",
            "PostfixAdmin has the tables mailbox and alias; docker-mailserver has a line for each.",
        )
    return unit, moved
