"""Asking and telling the primary of a zone repository; what goes wrong becomes an outcome with advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tenants.formats.zones.keyfile import TsigKey
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from workers import zone
from workers.outcome import NeedsPerson, Retry, Setback

SOA_SECONDS, NOTIFY_SECONDS = 3.0, 60.0


class PrimarySilent(Exception):
    """It cannot be asked just now; the text says why."""


@dataclass(frozen=True)
class Primary:
    """`keys` are Rookery's own, those that the primary has read first. `removed_with` is the domain with
    whose mail stack it was removed; empty for one that should be there."""

    server: zone.Server
    keys: Sequence[TsigKey] = field(repr=False)
    removed_with: str = ""

    def silence(self, sentence: str) -> Setback:
        """It may answer soon, unless Rookery itself took it away."""
        if not self.removed_with:
            return Retry("primary-unreachable", sentence)
        return NeedsPerson(
            "primary-removed",
            f"Nothing serves these zones: their primary was removed with the mail stack of"
            f" {self.removed_with}. Git has them as they should be.",
            f"Make another mail stack for {self.removed_with}, or let another primary at {self.server} read"
            " the repository: Rookery looks for it by itself.",
        )

    def serial(self, origin: Name) -> int | None:
        """The serial that is served; None where the zone is not. Raises PrimarySilent."""
        try:
            return zone.served_serial(self.server, origin, timeout=SOA_SECONDS).serial
        except zone.ZoneError as error:
            raise PrimarySilent(error.sentence) from error

    def known_serial(self, origin: Name) -> int | None:
        """The serial that is served; None also when it does not answer."""
        try:
            return self.serial(origin)
        except PrimarySilent:
            return None

    def transfer(self, origin: Name) -> Mapping[tuple[Name, str], RecordSet] | None:
        """The zone as it is served; None when no key of ours may read it. Raises Retry."""
        for key in (*self.keys, None):
            try:
                return zone.transfer(self.server, origin, key).sets
            except zone.Refusal:
                continue
            except zone.ZoneError as error:
                raise Retry("transfer-broken", error.sentence) from error
        return None

    def notify(self, origin: Name) -> None:
        """Make it pull, with the first key that it knows. Raises Retry or NeedsPerson."""
        refusal: zone.Refusal | None = None
        for key in self.keys:
            try:
                zone.notify(self.server, origin, key, timeout=NOTIFY_SECONDS)
            except (zone.BadKey, zone.BadSignature) as error:
                refusal = error
            except zone.ClockSkew as error:
                raise NeedsPerson("clocks-differ", error.sentence, error.hint) from error
            except zone.Refusal as error:
                raise NeedsPerson("notify-refused", error.sentence, error.hint) from error
            except zone.ZoneError as error:
                raise self.silence(error.sentence) from error
            else:
                return
        raise NeedsPerson(
            "key-not-known",
            f"{self.server} does not know Rookery's key yet, so it cannot be told to read what was pushed.",
            "Restart the primary once: it reads _keys from git when it starts. Then look again.",
        ) from refusal
