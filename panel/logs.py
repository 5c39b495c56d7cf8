"""What logs may not hold: one-time links, programs' keys, passphrase hashes, private keys.

They are masked when a log record is made, so every handler of every library and server in this process
writes the masked one: Django's, the web server's access log, tracebacks.
"""

from __future__ import annotations

import json
import logging
import logging.config
import re
from datetime import UTC, datetime
from typing import Any

from tenants import log_context

MASK = "***"

_SLASH = r"(?:/|%2[Ff])"
# Addresses of pages whose last part signs in, confirms or follows a request.
_LINK = re.compile(
    rf"({_SLASH}(?:sign-in|asked{_SLASH}confirm|asked|confirm|invited|decide"
    rf"|public{_SLASH}(?:requests|invitations|decisions)){_SLASH}+)"
    # The template of such an address tells nothing.
    r"(?!<\w+:\w+>)(?!confirm(?:/|%2[Ff]|$|[\s?#\"']))[^\s/?#&\"'%]+"
)
_API_KEY = re.compile(r"\brk_[A-Za-z0-9_-]{6,}")
_HASH = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{128}(?![0-9A-Fa-f])")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
)
_PASSWORD_OF_URL = re.compile(r"(?<=://)([^\s/@:'\"]*):[^\s/'\"]+(?=@)")
# What a header of a request or a curl command says.
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic)(\s+|%20)[A-Za-z0-9._~+/=-]{8,}", re.I)
# TSIG, sealing and DKIM keys: 32 bytes in the base64 of files.
_KEY = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])")
# 256 bits in base64, wherever they stand; a host key's public fingerprint has the same length.
_TOKEN = re.compile(r"(?<!SHA256:)(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")


def mask(text: str) -> str:
    """`text` without any secret that a link, a header or a form of ours can hold."""
    text = _LINK.sub(rf"\1{MASK}", text)
    text = _API_KEY.sub(f"rk_{MASK}", text)
    text = _HASH.sub(MASK, text)
    text = _PRIVATE_KEY.sub(f"{MASK} private key {MASK}", text)
    text = _PASSWORD_OF_URL.sub(rf"\1:{MASK}", text)
    text = _AUTHORIZATION.sub(rf"\1\2{MASK}", text)
    text = _KEY.sub(MASK, text)
    return _TOKEN.sub(lambda found: MASK if _is_mixed(found[0]) else found[0], text)


def _is_mixed(word: str) -> bool:
    """Random base64 has letters of both kinds; names of tests and modules do not."""
    return word.lower() != word and word.upper() != word


def configure(config: dict[str, Any]) -> None:
    """Set up logging (the setting LOGGING_CONFIG names this), with every record masked from here on."""
    logging.config.dictConfig(config)
    made_by = logging.getLogRecordFactory()
    if not isinstance(made_by, MaskedRecords):
        logging.setLogRecordFactory(MaskedRecords(made_by))


class MaskedRecords:
    """A factory of log records around the one that was there."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._inner(*args, **kwargs)
        if record.name.startswith("django.security.") or (
            record.name == "django.request" and record.levelno <= logging.WARNING
        ):
            _calm(record)
        _mask_message(record)
        if record.exc_info and record.exc_info[0] is not None:
            # Formatters take this text instead of making their own.
            record.exc_text = mask(logging.Formatter().formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = mask(record.stack_info)
        return record


class JsonLines(logging.Formatter):
    """One JSON object a line: what was said, when, by whom, and for which request, target or run.

    `told` of a record (`extra={"told": {...}}`) stands in it too. Masked once more as a whole, since a
    program may hand over fields that the record's maker never saw.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **log_context.current(),
            **getattr(record, "told", {}),
        }
        # Django's own lines about an answer are written after the middleware has ended.
        if request_id := getattr(getattr(record, "request", None), "request_id", None):
            line["request"] = request_id
        if record.exc_text or record.exc_info:
            line["error"] = record.exc_text or self.formatException(record.exc_info or (None, None, None))
        if record.stack_info:
            line["stack"] = record.stack_info
        masked = {name: mask(each) if isinstance(each, str) else each for name, each in line.items()}

        return json.dumps(masked, ensure_ascii=True, default=str)


def _calm(record: logging.LogRecord) -> None:
    """What a client sends wrongly, such as another Host or too many fields, is no error of ours, and where in
    Django it was noticed helps nobody: outsiders could fill the log and wake somebody."""
    record.exc_info = None
    if record.levelno > logging.WARNING:
        record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)


def _mask_message(record: logging.LogRecord) -> None:
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):
        # logging would print the raw arguments to say that they do not fit.
        record.msg, record.args = f"{mask(str(record.msg))} (with arguments that do not fit)", ()
        return
    masked = mask(message)
    if masked == message:
        return
    if isinstance(record.args, tuple):
        # Some formatters, such as the access log's, want the arguments one by one.
        record.args = tuple(mask(each) if isinstance(each, str) else each for each in record.args)
        message = record.getMessage()
        if mask(message) == message:
            return
    record.msg, record.args = masked, ()
