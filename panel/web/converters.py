"""Parts of a page's address that can be names here; anything else is no page and reaches no database."""

from __future__ import annotations

from django.urls import register_converter
from django.urls.converters import StringConverter


class MailDomain(StringConverter):
    regex = r"[A-Za-z0-9.-]{1,253}"

    def to_python(self, value: str) -> str:
        return value.lower()


class LocalPart(StringConverter):
    regex = r"[a-z0-9._+-]{1,64}"


class KeptMailKey(StringConverter):
    regex = r"[A-Za-z0-9._,:-]{1,200}"


def register() -> None:
    register_converter(MailDomain, "mail_domain")
    register_converter(LocalPart, "mail_local_part")
    register_converter(KeptMailKey, "kept_mail")
