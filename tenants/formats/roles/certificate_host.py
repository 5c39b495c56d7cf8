"""For which host name a unikernel gets its certificate out of the zone, told by its arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from tenants.formats.addresses import check_host_name
from tenants.formats.text import FormatError

__all__ = ["certificate_host"]

_NAMES = ("--submission-domain", "--hostname")
_OF_A_RECEIVER = ("--domain", "--key-seed", "--dns-key")


def certificate_host(arguments: Sequence[str]) -> str:
    """The host name, or "" when the arguments tell none.

    Submission names it (`--submission-domain`, later `--hostname`). The receiver's is its mail domain: it is
    the other role that is given both the seed of a TLS key and a key for the zone. With `--cert-der` nothing
    is taken from the zone.
    """
    values = dict(_options(arguments))
    if "--cert-der" in values:
        return ""
    host = next((values[name] for name in _NAMES if values.get(name)), "")
    if not host and all(values.get(name) for name in _OF_A_RECEIVER):
        host = values["--domain"]
    try:
        return check_host_name(host.lower(), field="host") if host else ""
    except FormatError:
        return ""


def _options(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Both spellings: `--name=value` and `--name value`."""
    for word, following in pairwise((*arguments, "")):
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            yield name, value if equals else "" if following.startswith("--") else following
