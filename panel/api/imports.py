"""Many addresses at once: importing a table, and doing one thing to all that were chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import DRY_RUN_HEADER, ApiView
from panel.api.fields import Choice, Flag, Shape, Switch, Text, Texts, WriteQuery
from panel.api.mailbox_rows import MEANINGS, State, matching, with_state
from panel.api.schema import operation
from tenants import access
from tenants.actions.bulk import DEEDS, Done, change_mailboxes
from tenants.actions.imports import Imported, import_addresses
from tenants.errors import Checks, Invalid
from tenants.formats.tables import MAX_BYTES, MAX_ROWS
from tenants.formats.text import check_text
from tenants.models import Domain, ImportRow, Mailbox

Verdict = ImportRow.Verdict
MOST_NAMES = 1000


class TableParser(BaseParser):
    """The body as it is: the action reads it, so that a page and a program send the same files."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return bytes(stream.read(MAX_BYTES + 1))


class CsvParser(TableParser):
    media_type = "text/csv"


class ImportQuery(WriteQuery):
    vouched = Flag(
        required=False,
        default=False,
        help_text="You answer for those who get the mail: nobody is asked. For owners.",
    )
    leave_out_refused = Flag(
        required=False, default=False, help_text="Do the other rows when some are refused; else none is done."
    )
    digest = Text(
        required=False,
        max_length=64,
        help_text="From a dry run: it is done only while it would do exactly what was shown.",
    )


class ProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    problem = serializers.CharField()
    fix = serializers.CharField()


class ImportRowSerializer(serializers.Serializer[Any]):
    row = serializers.IntegerField(help_text="Its line in CSV, its number (from 1) in JSON.")
    address = serializers.CharField(help_text="As it was written.")
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    changes = serializers.DictField(help_text="By what is changed: before and after, without secrets.")
    problems = ProblemSerializer(many=True)


class CountsSerializer(serializers.Serializer[Any]):
    create = serializers.IntegerField()
    change = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()


class ImportSerializer(serializers.Serializer[Any]):
    digest = serializers.CharField(help_text="Names exactly these outcomes.")
    counts = CountsSerializer()
    mails = serializers.IntegerField(help_text="How many mails ask those who are to get the mail.")
    obstacle = serializers.CharField(help_text="What keeps all of it from being done; else empty.")
    generation = serializers.IntegerField(
        help_text="Proved once the sync target's observed_generation has reached it; 0 without one."
    )
    rows = ImportRowSerializer(many=True, help_text="All but the unchanged ones.")


class DomainImports(ApiView):
    noun, tag = "import", "Addresses"
    queries = {"import_addresses": ImportQuery}
    parser_classes = [TableParser, CsvParser]  # type: ignore[assignment]

    @operation(
        f"Import a table (CSV, or a JSON list) of at most {MAX_ROWS:,} addresses: all of it or nothing",
        request={"application/json": list[dict[str, Any]], "text/csv": str},
        responses={200: ImportSerializer},
    )
    def import_addresses(self, request: Request, domain: str) -> Response:
        home = access.get(self.actor, Domain, name=domain)
        content = request.data
        if not isinstance(content, bytes):
            raise Invalid.of("file", "There is no table.", "Send it as the body.")
        done = import_addresses(
            actor=self.actor,
            domain=home,
            content=content,
            vouched=self.given["vouched"],
            leave_out_refused=self.given["leave_out_refused"],
            digest=self.given.get("digest", ""),
            rehearse=self.dry,
        )
        return Response(_imported(done), headers={DRY_RUN_HEADER: "true"} if self.dry else {})


def _imported(done: Imported) -> dict[str, Any]:
    told = done.with_verdict(Verdict.CREATE, Verdict.CHANGE, Verdict.REFUSED)
    return {
        "digest": done.preview.digest,
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
            }
            for row, outcome in told
        ],
    }


class Deed(Shape):
    action = Choice(choices=[(name, deed.done) for name, deed in DEEDS.items()])
    addresses = Texts(
        required=False, max_length=MOST_NAMES, help_text=f"At most {MOST_NAMES:,}; of this domain."
    )
    all = Switch(required=False, help_text="All addresses that `state` and `q` find, instead of names.")
    state = Choice(required=False, choices=[(state.value, MEANINGS[state]) for state in State])
    q = Text(required=False, max_length=100, help_text="Part of the name, the note or a target.")
    note = Text(required=False, max_length=400, help_text="For set_note.")
    leave_out_refused = Switch(required=False, help_text="Do the others when some are refused.")
    digest = Text(
        required=False, max_length=64, help_text="From a dry run: exactly that is done, or nothing."
    )

    example = {"action": "switch_off", "addresses": ["ada@example.org"]}


class ResultSerializer(serializers.Serializer[Any]):
    address = serializers.CharField()
    verdict = serializers.ChoiceField(choices=["changed", "unchanged", "refused"])
    problems = ProblemSerializer(many=True)


class DoneSerializer(serializers.Serializer[Any]):
    digest = serializers.CharField(help_text="Names exactly these results.")
    generation = serializers.IntegerField(
        help_text="Of the sync target; 0 without one, or when nothing goes out."
    )
    results = ResultSerializer(many=True)


class ManyMailboxes(ApiView):
    noun, tag = "many_mailboxes", "Addresses"

    @operation(
        "Do one thing to many addresses, with a result for each", request=Deed, responses=DoneSerializer
    )
    def change_mailboxes(self, request: Request, domain: str) -> Response:
        given = self.body(Deed)
        home = access.get(self.actor, Domain, name=domain)
        done = change_mailboxes(
            actor=self.actor,
            domain=home,
            chosen=self._chosen(home, given),
            deed=given["action"],
            note=given.get("note", ""),
            rehearse=self.dry,
            leave_out_refused=given.get("leave_out_refused", False),
            digest=given.get("digest"),
        )
        return Response(_done(done), headers={DRY_RUN_HEADER: "true"} if self.dry else {})

    def _chosen(self, domain: Domain, given: Mapping[str, Any]) -> Any:
        rows = access.visible_to(self.actor, Mailbox).filter(domain=domain)
        if given.get("all") and not given.get("addresses"):
            rows = with_state(rows, given["state"]) if given.get("state") else rows.filter(trashed_at=None)
            if given.get("q"):
                with Checks() as checks:
                    rows = matching(rows, check_text(given["q"], field="q", maximum=100))
                checks.finish()
            return rows
        names = [_local_part(address, domain) for address in given.get("addresses", ())]
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
        "digest": done.digest,
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
