"""The arguments of the eight roles, read from the sources of each generation.

What a generation removed or never wired is absent: an unknown argument ends a unikernel with exit code 64,
and albatross never starts it again.
"""

from __future__ import annotations

from collections.abc import Mapping

from tenants.formats.roles.kinds import Kind
from tenants.formats.roles.role import Era, Option

Options = tuple[Option, ...]
P22, P23, P24 = Era.P22, Era.P23, Era.P24


def _network() -> Options:
    """What every MirageOS image takes."""
    return (
        Option("--ipv4", Kind.IPV4_PREFIX, "its address", required=True),
        Option("--ipv4-gateway", Kind.IPV4, "the host's address on the bridge", required=True),
        Option("--ipv6", Kind.IPV6_PREFIX, "its IPv6 address"),
        Option("--ipv6-gateway", Kind.IPV6, "the host's IPv6 address on the bridge"),
        Option("--ipv4-only", Kind.TRUTH, "no IPv6", default="false"),
        Option("--ipv6-only", Kind.TRUTH, "no IPv4", default="false"),
        Option("--accept-router-advertisements", Kind.TRUTH, "take an IPv6 address as told", default="true"),
        Option("--logs", Kind.LOGS, "what it says on its console", short="-l", repeatable=True),
    )


NETWORK = _network()
_DELAY = Option("--delay", Kind.NUMBER, "seconds to wait before it starts", default="0")
_DOMAIN = Option("--domain", Kind.DOMAIN, "the mail domain", required=True)
_POSTMASTER = Option("--postmaster", Kind.MAILBOX, "who gets mail for the postmaster", required=True)
_DESTINATION = Option("--destination", Kind.IPV4, "the next hop, on port 25", required=True)
_DNS_SERVER = Option("--dns-server", Kind.IPV4, "the primary DNS server", required=True)
_DNS_PORT = Option("--dns-port", Kind.PORT, "its port", default="53")
_FORGOTTEN_PORT = Option(
    "--dns-port",
    Kind.PORT,
    "its port",
    default="53",
    ignored="The port is always 53.",
)
_UPDATE_KEY = Option("--dns-key", Kind.UPDATE_KEY, "the key that may update the zone", required=True)
_KEY_SEED = Option("--key-seed", Kind.SEED, "its TLS key, made of exactly this text", required=True)
_KEY_SEED_22 = Option("--key-seed", Kind.SEED, "its TLS key, made of exactly this text")
_SSH_KEY = Option("--ssh-key", Kind.SSH_KEY, "its key for the git host", required=True)
_SSH_KEY_OR_NOT = Option("--ssh-key", Kind.SSH_KEY, "its key for the git host")
_SSH_PASSWORD = Option("--ssh-password", Kind.PASSWORD, "its password for the git host, instead of a key")
_SSH_HOST_KEY = Option("--ssh-authenticator", Kind.HOST_KEY, "the git host's key", default="any")
_OLD_HOST_KEY = Option("--authenticator", Kind.HOST_KEY, "the git host's key", default="any")
_REMOTE = Option("--remote", Kind.REMOTE, "the repository", required=True, short="-r")
_REMOTE_22 = Option("--remote", Kind.REMOTE_WITHOUT_BRANCH, "the repository", required=True, short="-r")
_NAMESERVER = Option(
    "--nameserver", Kind.NAMESERVER, "the resolver", default="a public resolver", repeatable=True
)
_RESOLVER = Option("--resolver", Kind.RESOLVER_URI, "the resolver", default="a public resolver")
_UNREAD_NAMESERVER = Option(
    "--nameserver",
    Kind.NAMESERVER,
    "the resolver",
    repeatable=True,
    ignored="It is declared and not read: a public resolver is asked.",
)
_STATIC = (
    Option("--cert-der", Kind.DER, "its certificate for the hop before it", required=True),
    Option("--cert-key", Kind.DER_KEY, "that certificate's key", required=True),
)
_STATIC_OR_NOT = (
    Option("--cert-der", Kind.DER, "a certificate instead of Let's Encrypt's"),
    Option("--cert-key", Kind.DER_KEY, "that certificate's key"),
)
_NEXT_HOP = (
    Option("--cert-fingerprint", Kind.FINGERPRINT, "the next hop's certificate"),
    Option("--key-fingerprint", Kind.FINGERPRINT, "the next hop's key"),
)
_TLS_NEXT_HOP = (
    Option("--tls-cert-fingerprint", Kind.FINGERPRINT, "the certificate of a TLS git host"),
    Option("--tls-key-fingerprint", Kind.FINGERPRINT, "the key of a TLS git host"),
)


def _each(p22: Options, p23: Options, p24: Options) -> Mapping[Era, Options]:
    return {P22: (*p22, *NETWORK), P23: (*p23, *NETWORK), P24: (*p24, *NETWORK)}


_DNSSEC = Option("--with-dnssec", Kind.TRUTH, "check signatures", default="false")
RESOLVER = _each((_DELAY,), (_DNSSEC, _DELAY), (_DNSSEC, _DELAY))

_AXFR = Option("--axfr", Kind.FLAG, "let anybody transfer its zones", default="off")
PRIMARY = _each(
    (_REMOTE_22, _AXFR, _SSH_KEY, _OLD_HOST_KEY, _DELAY),
    (_REMOTE, _AXFR, _SSH_KEY, _OLD_HOST_KEY, _DELAY),
    (_REMOTE, _AXFR, _SSH_KEY_OR_NOT, _SSH_PASSWORD, _SSH_HOST_KEY, _DELAY),
)

_LETSENCRYPT = (
    Option("--dns-key", Kind.TSIG_KEY, "the key that may update the zone", required=True),
    _DNS_SERVER,
    Option("--port", Kind.PORT, "the primary's port", default="53"),
    Option("--production", Kind.FLAG, "real certificates", default="off: staging, which nobody trusts"),
    Option("--account-key-seed", Kind.SEED, "its account's key, made of exactly this text", required=True),
    Option("--account-key-type", Kind.KEY_TYPE, "that key's kind", default="RSA"),
    Option("--account-bits", Kind.NUMBER, "that key's size", default="4096"),
    Option("--email", Kind.MAILBOX, "where Let's Encrypt writes to"),
    _DELAY,
)
LETSENCRYPT = _each(_LETSENCRYPT, _LETSENCRYPT, _LETSENCRYPT)

SUBMISSION = _each(
    (
        *(_REMOTE_22, _SSH_KEY, _SSH_HOST_KEY, _DESTINATION, _DOMAIN, _POSTMASTER),
        Option("--hostname", Kind.HOST, "the certificate's host name"),
        *(_UPDATE_KEY, _DNS_SERVER, _DNS_PORT, _KEY_SEED_22),
        *(*_STATIC_OR_NOT, *_NEXT_HOP, *_TLS_NEXT_HOP),
    ),
    (
        *(_REMOTE, _SSH_KEY, _DESTINATION, _DOMAIN, _POSTMASTER),
        Option("--submission-domain", Kind.HOST, "the certificate's host name", required=True),
        *(_UPDATE_KEY, _DNS_SERVER, _FORGOTTEN_PORT, _KEY_SEED),
    ),
    (
        *(_REMOTE, _SSH_KEY_OR_NOT, _SSH_PASSWORD, _SSH_HOST_KEY, _DESTINATION, _DOMAIN, _POSTMASTER),
        Option("--hostname", Kind.HOST, "the certificate's host name", required=True),
        *(_UPDATE_KEY, _DNS_SERVER, _KEY_SEED),
    ),
)

_SELECTOR = Option("--selector", Kind.SELECTOR, "under which name the DKIM key is published", required=True)
_SIGNER_DNS = (
    Option("--dns-key", Kind.TSIG_KEY, "the key that may update the zone", required=True),
    _DNS_SERVER,
    _DNS_PORT,
)
_TIMES = (
    Option("--timestamp", Kind.NUMBER, "a fixed time of signing, in seconds since 1970"),
    Option("--expiration", Kind.NUMBER, "when signatures end, in seconds since 1970"),
)
_SIGNER_HEAD = (_DOMAIN, _SELECTOR, _DESTINATION, *_SIGNER_DNS, _POSTMASTER, *_TIMES)
_OLD_SEED = Option("--private-key", Kind.BASE64_SEED, "the seed of the DKIM key", required=True)
_NEW_SEED = Option("--seed", Kind.BASE64_SEED, "the seed of the DKIM key", required=True)
_FIELDS_COLON = Option("--fields", Kind.FIELDS_COLON, "header fields that are signed")
_FIELDS_COMMA = Option("--fields", Kind.FIELDS_COMMA, "header fields that are signed")
SIGNER = _each(
    (*_SIGNER_HEAD, _OLD_SEED, _FIELDS_COLON, *_STATIC, *_NEXT_HOP),
    (*_SIGNER_HEAD, _OLD_SEED, _FIELDS_COLON),
    (*_SIGNER_HEAD, _NEW_SEED, _FIELDS_COMMA),
)

RELAY = _each(
    (_REMOTE_22, _SSH_KEY, _SSH_HOST_KEY, _DOMAIN, _POSTMASTER, _RESOLVER, *_STATIC),
    (_REMOTE, _SSH_KEY, _DOMAIN, _POSTMASTER, _NAMESERVER),
    (_REMOTE, _SSH_KEY_OR_NOT, _SSH_PASSWORD, _SSH_HOST_KEY, _DOMAIN, _POSTMASTER, _NAMESERVER),
)

VERIFIER = _each(
    (
        *(_DOMAIN, _DESTINATION, _UPDATE_KEY, _DNS_SERVER, _DNS_PORT, _KEY_SEED_22, _POSTMASTER, _RESOLVER),
        Option("--hostname", Kind.HOST, "the certificate's host name"),
        *(*_STATIC_OR_NOT, *_NEXT_HOP),
    ),
    (_DOMAIN, _DESTINATION, _UPDATE_KEY, _DNS_SERVER, _FORGOTTEN_PORT, _KEY_SEED, _POSTMASTER, _NAMESERVER),
    (_DOMAIN, _DESTINATION, _UPDATE_KEY, _DNS_SERVER, _KEY_SEED, _POSTMASTER, _UNREAD_NAMESERVER),
)

_FILTER = (_DOMAIN, _DESTINATION, _POSTMASTER)
SPAMFILTER = _each((*_FILTER, *_STATIC, *_NEXT_HOP), _FILTER, _FILTER)
