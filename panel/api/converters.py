"""What may stand in an address of the API; anything else is not there."""

from __future__ import annotations

from django.urls import register_converter


class Id:
    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


class DomainName:
    regex = r"[A-Za-z0-9.-]{1,253}"

    def to_python(self, value: str) -> str:
        return value.lower()

    def to_url(self, value: str) -> str:
        return value


class MailboxAddress:
    """An address that Rookery made; its domain in any case."""

    regex = r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}"

    def to_python(self, value: str) -> tuple[str, str]:
        local_part, _, domain = value.rpartition("@")
        return local_part, domain.lower()

    def to_url(self, value: object) -> str:
        return str(value)


class OutsideAddress:
    """Somebody's address; its local part may hold nearly anything, a slash too."""

    regex = r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}"

    def to_python(self, value: str) -> str:
        local_part, _, domain = value.rpartition("@")
        return f"{local_part}@{domain.lower()}"

    def to_url(self, value: str) -> str:
        return value


class LinkToken:
    regex = r"[A-Za-z0-9_-]{20,100}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class SessionName:
    regex = r"[0-9a-f]{16}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Change:
    """What `panel.api.waiting` signed."""

    regex = r"[A-Za-z0-9_.:-]{20,4000}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


def register() -> None:
    register_converter(Id, "id")
    register_converter(DomainName, "domain")
    register_converter(MailboxAddress, "mailbox")
    register_converter(OutsideAddress, "outside")
    register_converter(LinkToken, "link_token")
    register_converter(SessionName, "session_name")
    register_converter(Change, "change")
