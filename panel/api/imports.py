"""Many addresses at once: importing a table, and doing one thing to all that were chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import msgspec
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.body import JSONParser
from panel.api.fields import Choice, Flag, Shape, Switch, Text, Texts, WriteQuery
from panel.api.schema import operation
from tenants import access
from tenants.actions.bulk import DEEDS, Done, change_mailboxes
from tenants.actions.imports import Imported, import_addresses
from tenants.errors import Invalid
from tenants.formats.address_rows import COLUMNS
from tenants.formats.tables import MAX_BYTES, MAX_ROWS
from tenants.models import Domain, ImportRow

Verdict = ImportRow.Verdict
MOST_NAMES = 1000


class LongJSONParser(JSONParser):
    limit = MAX_BYTES


class CsvParser(BaseParser):
    """The table as it is: the action reads it, so that a page and a program send the same files."""

    media_type = "text/csv"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return bytes(stream.read(MAX_BYTES + 1))


class Rows(serializers.ListField):
    """Objects; the first that is none is told. What is in them is the action's matter."""

    child = serializers.DictField()
    default_error_messages = {
        "required": "This field is missing.\nSend a list of objects.",
        "null": "This is null.\nSend a list of objects.",
        "not_a_list": "This is not a list.\nSend a JSON array of objects.",
        "empty": "There is nothing in it.\nSend an object for each address.",
        "no_object": "This is no object with an address in it.\nSend an object.",
    }

    def run_child_validation(self, data: Any) -> list[Any]:
        for index, each in enumerate(data):
            if not isinstance(each, dict) or not each:
                problem: dict[Any, Any] = {index: [self.error_messages["no_object"]]}
                raise serializers.ValidationError(problem)
        return list(data)


_VOUCHED = "You answer for those who get the mail: nobody is asked. For owners."
_LEAVE_OUT = "Do the other rows when some are refused; else none is done."
_DIGEST = "From a dry run: exactly what was shown is done, or nothing."


class Table(Shape):
    addresses = Rows(
        allow_empty=False,
        help_text=f"At most {MAX_ROWS:,}; each has {', '.join(column.name for column in COLUMNS)},"
        " of which only address is needed. What is left out stays as it is.",
    )
    vouched = Switch(required=False, help_text=_VOUCHED)
    leave_out_refused = Switch(required=False, help_text=_LEAVE_OUT)
    preview = Text(required=False, max_length=64, help_text=_DIGEST)

    example = {"addresses": [{"address": "ada", "targets": ["ada@home.example"], "note": "Analyst"}]}


class CsvQuery(WriteQuery):
    """What stands beside a CSV body; a JSON body holds it itself."""

    vouched = Flag(required=False, help_text=f"Beside CSV. {_VOUCHED}")
    leave_out_refused = Flag(required=False, help_text=f"Beside CSV. {_LEAVE_OUT}")
    preview = Text(required=False, max_length=64, help_text=f"Beside CSV. {_DIGEST}")


class RowProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    problem = serializers.CharField()
    fix = serializers.CharField()


class ImportRowSerializer(serializers.Serializer[Any]):
    row = serializers.IntegerField(help_text="Its line in CSV, its number (from 1) in JSON.")
    address = serializers.CharField(help_text="As it was written.")
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    changes = serializers.DictField(help_text="By what is changed: before and after, without secrets.")
    problems = RowProblemSerializer(many=True)
    remarks = serializers.ListField(
        child=serializers.CharField(), help_text="What of another mail server could not come along."
    )


class ImportSerializer(serializers.Serializer[Any]):
    preview = serializers.CharField(help_text="Names exactly these outcomes.")
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many rows have each verdict."
    )
    mails = serializers.IntegerField(help_text="How many mails ask those who are to get the mail.")
    obstacle = serializers.CharField(help_text="What keeps all of it from being done; else empty.")
    generation = serializers.IntegerField(
        help_text="Proved once the sync target's observed_generation has reached it; 0 without one."
    )
    rows = ImportRowSerializer(many=True, help_text="All but the unchanged ones.")


class DomainImports(ApiView):
    noun, tag = "import", "Addresses"
    queries = {"import_addresses": CsvQuery}
    parser_classes = [LongJSONParser, CsvParser]

    @operation(
        f"Import a table (CSV, or a JSON list) of at most {MAX_ROWS:,} addresses: all of it or nothing",
        request={"application/json": Table, "text/csv": str},
        responses={200: ImportSerializer},
    )
    def import_addresses(self, request: Request, domain: str) -> Response:
        content, given = self._table()
        home = access.get(self.actor, Domain, name=domain)
        return self.act(
            lambda: import_addresses(
                actor=self.actor,
                domain=home,
                content=content,
                vouched=given.get("vouched", False),
                leave_out_refused=given.get("leave_out_refused", False),
                digest=given.get("preview"),
                rehearse=self.dry,
            ),
            _imported,
        )

    def _table(self) -> tuple[bytes, Mapping[str, Any]]:
        """The table as the action reads it, and what was said beside it."""
        data: Any = self.request.data
        if isinstance(data, bytes):
            return data, self.given
        stray = sorted(set(self.given) - {"dry_run", "wait"})
        if stray:
            raise Invalid.of(stray[0], "This stands beside CSV only.", "Put it into the JSON body.")
        given = self.body(Table)
        return msgspec.json.encode(given["addresses"]), given


def _imported(done: Imported) -> dict[str, Any]:
    told = done.with_verdict(Verdict.CREATE, Verdict.CHANGE, Verdict.REFUSED)
    return {
        "preview": done.preview.digest,
        "counts": done.preview.counts,
        "mails": done.preview.questions,
        "obstacle": done.preview.obstacle,
        "generation": done.generation,
        "rows": [
            {
                "row": row.place,
                "address": row.shown,
                "verdict": outcome.verdict,
                "changes": outcome.changes,
                "problems": [each.as_dict() for each in outcome.problems],
                "remarks": list(row.remarks),
            }
            for row, outcome in told
        ],
    }


class Deed(Shape):
    action = Choice(choices=[(name, deed.done) for name, deed in DEEDS.items()])
    addresses = Texts(
        allow_empty=False, max_length=MOST_NAMES, help_text=f"At most {MOST_NAMES:,}; of this domain."
    )
    note = Text(required=False, max_length=400, help_text="For set_note.")
    leave_out_refused = Switch(required=False, help_text="Do the others when some are refused.")
    preview = Text(
        required=False, max_length=64, help_text="From a dry run: exactly that is done, or nothing."
    )

    example = {"action": "switch_off", "addresses": ["ada@example.org"]}


class ResultSerializer(serializers.Serializer[Any]):
    address = serializers.CharField()
    verdict = serializers.ChoiceField(choices=["changed", "unchanged", "refused"])
    problems = RowProblemSerializer(many=True)


class ManyDoneSerializer(serializers.Serializer[Any]):
    preview = serializers.CharField(help_text="Names exactly these results.")
    generation = serializers.IntegerField(
        help_text="Of the sync target; 0 without one, or when nothing goes out."
    )
    results = ResultSerializer(many=True)


class ManyMailboxes(ApiView):
    noun, tag = "many_mailboxes", "Addresses"

    @operation(
        "Do one thing to many addresses, with a result for each", request=Deed, responses=ManyDoneSerializer
    )
    def change_mailboxes(self, request: Request, domain: str) -> Response:
        given = self.body(Deed)
        home = access.get(self.actor, Domain, name=domain)
        return self.act(
            lambda: change_mailboxes(
                actor=self.actor,
                domain=home,
                chosen=self._chosen(home, given),
                deed=given["action"],
                note=given.get("note", ""),
                rehearse=self.dry,
                leave_out_refused=given.get("leave_out_refused", False),
                digest=given.get("preview"),
            ),
            _done,
        )

    def _chosen(self, domain: Domain, given: Mapping[str, Any]) -> Any:
        rows = access.mailboxes_in(self.actor, domain)
        names = [_local_part(address, domain) for address in given["addresses"]]
        found = dict(rows.filter(local_part__in=names).values_list("local_part", "pk"))
        missing = next((name for name in names if name not in found), None)
        if missing is not None:
            raise Invalid.of(
                f"addresses[{names.index(missing)}]",
                f"There is no such address in {domain}.",
                "Read the list again, or leave it out.",
            )
        return rows.filter(pk__in=found.values())


def _local_part(address: str, domain: Domain) -> str:
    """Its local part; an address of another domain is none of this one, and no name holds a NUL."""
    return address.lower().removesuffix(f"@{domain.name}").replace("\0", "@")


def _done(done: Done) -> dict[str, Any]:
    return {
        "preview": done.digest,
        "generation": done.generation,
        "results": [
            {
                "address": each.address,
                "verdict": each.verdict,
                "problems": [problem.as_dict() for problem in each.problems],
            }
            for each in done.results
        ],
    }
