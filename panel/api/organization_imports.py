"""Making what an organization's file says, in one step: a program keeps the file itself."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.body import JSONParser
from panel.api.fields import Shape, Switch, Text
from panel.api.schema import operation
from tenants import access
from tenants.actions.moving_in import CHANGED, LEFT_OUT, NEW, REFUSED, UNCHANGED, MovedIn
from tenants.actions.organization_files import import_organization
from tenants.errors import Invalid
from tenants.formats.tables import MAX_BYTES
from tenants.models import Organization

MOST_BODY = MAX_BYTES * 4 // 3 + (64 << 10)


class FileJSONParser(JSONParser):
    limit = MOST_BODY


class OrganizationFile(Shape):
    file = Text(
        max_length=MOST_BODY,
        help_text=f"As an export wrote it, in base64; at most {MAX_BYTES >> 20} MB before that.",
    )
    key = Text(required=False, max_length=200, write_only=True, help_text="Opens a sealed file; not kept.")
    vouched = Switch(
        required=False, help_text="You answer for those who get the mail: nobody is asked. For owners."
    )
    people = Switch(required=False, help_text="Let its people in with their roles; each gets a mail.")
    leave_out_refused = Switch(
        required=False, help_text="Do the rest when something is refused; else nothing is done."
    )
    preview = Text(
        required=False,
        max_length=64,
        help_text="From a dry run: exactly what was shown is done, or nothing.",
    )

    example = {"file": "eyJmb3JtYXQiOiAicm9va2VyeS1vcmdhbml6YXRpb24iLCDigKZ9", "vouched": False}


class MovedLineSerializer(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=[NEW, CHANGED, UNCHANGED, REFUSED, LEFT_OUT])
    thing = serializers.CharField()
    why = serializers.CharField(help_text="Why it is refused, or what to do instead; else empty.")


class MovedInSerializer(serializers.Serializer[Any]):
    preview = serializers.CharField(help_text="Names exactly these lines.")
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many lines have each verdict."
    )
    lines = MovedLineSerializer(many=True, help_text="All but the unchanged ones.")


class OrganizationImports(ApiView):
    noun, tag = "organization_import", "Organizations"
    parser_classes = [FileJSONParser]

    @operation(
        "Import the file of an organization: all of it or nothing",
        request=OrganizationFile,
        responses={200: MovedInSerializer},
    )
    def import_organization(self, request: Request, organization_id: int) -> Response:
        given = self.body(OrganizationFile)
        home = access.get(self.actor, Organization, pk=organization_id)
        content = _content(given.pop("file"))
        digest = given.pop("preview", None)
        return self.act(
            lambda: import_organization(
                actor=self.actor,
                organization=home,
                content=content,
                digest=digest,
                rehearse=self.dry,
                **given,
            ),
            _moved,
        )


def _content(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid.of("file", "This is not base64.", "Encode it: base64 -w0 FILE.") from None


def _moved(done: MovedIn) -> dict[str, Any]:
    return {
        "preview": done.digest,
        "counts": done.counts,
        "lines": [
            {"verdict": each.verdict, "thing": each.thing, "why": each.why}
            for each in done.lines
            if each.verdict != UNCHANGED
        ],
    }
