"""The dated list of what to do in which order, for somebody who takes a domain elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from tenants.formats.way_out.export import DomainExport
from tenants.formats.way_out.postfix import logins

_LEAST_WAIT = timedelta(days=2)


def guide(export: DomainExport, paths: Sequence[str]) -> str:
    """Return the README of an export that has files at these paths."""
    begun = export.made_at.date()
    parts = [
        f"# {export.domain}: the way out",
        (
            f"Made on {begun:%Y-%m-%d} at {export.made_at:%H:%M} UTC from what Rookery had then. **Every"
            " file here is secret**: whoever has them can log in, sign mail and change the zone as you."
            " Keep it on an encrypted disk, and delete it when you are done. Nothing was switched off:"
            " Rookery goes on until you end it."
        ),
        "Each part can be replaced alone. Leave out the steps whose part stays as it is.",
        "## What to do, in this order",
        "\n".join(f"{number}. {step}" for number, step in enumerate(_steps(export, begun), start=1)),
        "## What is here",
        "\n".join(f"- `{pattern}`: {what}" for pattern, what in _told(paths)),
        "## Passphrases",
        _PASSPHRASES,
        "## What is not here",
        "\n".join(f"- {gap}" for gap in [*export.gaps, *_always_missing()]),
    ]
    return "\n\n".join(parts) + "\n"


def _steps(export: DomainExport, begun: date) -> Iterator[str]:
    changed = begun + _wait(export)
    ended = changed + timedelta(days=7)
    if export.zone is not None:
        yield (
            f"**{_day(begun)}**: lower the TTLs of A, MX and NS to 300 in the zone, so that what follows is"
            " seen soon. What others remember now is forgotten by the day of the change below."
        )
    yield (
        f"**{_day(begun)}**: change no address and no record in Rookery from now on, or ask for a new export"
        " before the change: this one does not follow."
    )
    if export.zone is not None:
        yield (
            f"**From {_day(begun)}**: start the new name server with `dns/{export.domain}.zone` and"
            " `dns/named.conf` (BIND), with `dns/nsupdate` at a primary that has the zone already, or with"
            f" `dns/ptt/` at another primary of ptt's. Ask it: `dig @NEW-SERVER {export.domain} SOA` must"
            f" show the serial {export.zone.soa.serial} or a higher one."
        )
    if export.signers:
        yield (
            f"**From {_day(begun)}**: give `dkim/*.pem` to the new signer (OpenDKIM, rspamd) under the same"
            " selector: then no record changes. A signer of ptt's takes the `.seed`."
        )
    yield (
        f"**From {_day(begun)}**: start the new mail server with `postfix/`, or the unikernels elsewhere"
        " with `albatross/` and `firewall/`. Send to one address with `swaks --server NEW-SERVER`, before"
        " anybody else does."
    )
    yield from _people(export, begun)
    if export.certificates:
        hosts = ", ".join(each.host for each in export.certificates)
        yield (
            f"**Before {_day(changed)}**: get certificates for {hosts} at the new server. Those of the"
            " unikernels are made of their seeds in `seeds.json`; a conventional server makes keys of its"
            " own."
        )
    if export.zone is not None:
        yield (
            f"**{_day(changed)}**: let the A and MX records lead to the new server, raise the serial, and"
            " where the name servers change, tell the registrar their names and glue records. Mail reaches"
            f" both sides for {_wait(export).days} days: leave the old one running."
        )
    else:
        yield f"**{_day(changed)}**: let the domain's MX record lead to the new server."
    yield (
        f"**{_day(ended)}**: when the old side has had no mail for days, stop its unikernels, remove"
        " Rookery's SSH keys (`ssh/public-keys`) from the git hosts, and make new keys: old copies of this"
        " export hold the present ones."
    )
    yield f"**{_day(ended)}**: end the domain in Rookery, and delete these files."


def _people(export: DomainExport, begun: date) -> Iterator[str]:
    number = sum(1 for _ in logins(export.entries))
    if number:
        people = "one person" if number == 1 else f"{number} people"
        yield (
            f"**From {_day(begun)}**: tell the {people} with a passphrase the new server's name and that"
            " they have to set a new passphrase, or let them keep it as told below."
        )


_PASSPHRASES = """\
ptt keeps the BLAKE2b-512 hash of each passphrase, without salt or rounds. **Dovecot, Cyrus SASL and the
system's crypt(3) know no such scheme**, so these hashes cannot be put into their files. Two ways lead on:

- Everybody sets a new passphrase. This is the better way: an unsalted hash is quickly guessed if it leaks.
- Dovecot asks a program (passdb with `driver = checkpassword`, or Lua) that compares
  `hashlib.blake2b(passphrase.encode()).hexdigest()` with `blake2b_512` in `users.json`, and stores the
  passphrase anew as `{ARGON2ID}` at the first success. Then nobody notices.

A user logs in with the part before the @; `postfix/sender_login` expects exactly that."""


def _told(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    for pattern, what in _ABOUT:
        if any(path.startswith(pattern.rstrip("*")) for path in paths):
            yield pattern, what


_ABOUT = (
    ("users.json", "all addresses, also those that get no mail now, with targets and hashes"),
    ("relay.git/*", "one file for each address, byte for byte as Rookery writes it into relay.git"),
    ("relay.sh", "puts them there"),
    ("postfix/*", "virtual_alias_maps, smtpd_sender_login_maps and what main.cf needs for them"),
    ("dns/*", "the zone for BIND, for nsupdate and for ptt's primary; the keys with their secrets"),
    ("dkim/*", "for each selector the seed, the record, and the private key as PEM"),
    ("ssh/public-keys", "which SSH keys may do what, to be let in or removed"),
    ("albatross/*", "commands that make the volumes and start the unikernels, with all secrets"),
    ("firewall/*", "the iptables rules that lead to them"),
    ("seeds.json", "the secret arguments of each unikernel: the seeds of their certificates are among them"),
)


def _always_missing() -> tuple[str, ...]:
    return (
        "Rookery's private SSH keys: make new ones, they are cheap (`ssh-keygen -t ed25519`).",
        "Mails: ptt passes them on and keeps none.",
        "The images: their files lie where they were built, under the SHA-256 that the commands name.",
    )


def _wait(export: DomainExport) -> timedelta:
    """Until nobody remembers the records as they are now, in whole days."""
    if export.zone is None:
        return _LEAST_WAIT
    longest = max((item.ttl for item in export.zone.sets), default=0)
    return max(_LEAST_WAIT, min(timedelta(days=-(-longest // 86400)), timedelta(days=30)))


def _day(day: date) -> str:
    return f"{day:%Y-%m-%d}"
