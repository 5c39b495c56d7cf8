"""The OpenAPI description of every operation, with all its answers; made once per process."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_root_object, normalize_result_object, sanitize_result_object
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import SAFE_METHODS

from panel.api import errors, throttling

Method = TypeVar("Method", bound=Callable[..., Any])

# Every variable that stands in an address of the API.
PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "organization_id": {"schema": {"type": "integer"}, "description": "The id of an organization."},
    "domain": {"schema": {"type": "string"}, "description": "A mail domain, e.g. example.org."},
    "address": {"schema": {"type": "string"}, "description": "An address, e.g. ada@example.org."},
    "target_address": {"schema": {"type": "string"}, "description": "Who gets the mail, %-encoded."},
    "email": {
        "schema": {"type": "string"},
        "description": "How a member, or somebody who holds an address, signs in.",
    },
    "request_id": {"schema": {"type": "integer"}, "description": "The id of an address request."},
    "target_id": {"schema": {"type": "integer"}, "description": "The id of a sync target."},
    "event_id": {"schema": {"type": "integer"}, "description": "The id of an event."},
    "share_id": {
        "schema": {"type": "integer"},
        "description": "The id of an organization's part of a host.",
    },
    "network_id": {"schema": {"type": "integer"}, "description": "The id of a network."},
    "public_id": {"schema": {"type": "integer"}, "description": "The id of a public address of a host."},
    "number": {"schema": {"type": "integer"}, "description": "The number of a release, from 1."},
    "letter_id": {"schema": {"type": "integer"}, "description": "The id of a letter that is followed."},
    "rule_id": {"schema": {"type": "integer"}, "description": "The id of a rule of a firewall."},
    "image_id": {"schema": {"type": "integer"}, "description": "The id of an image."},
    "reader_id": {"schema": {"type": "integer"}, "description": "The id of what reads a repository."},
    "fetch_id": {"schema": {"type": "integer"}, "description": "The id of a fetch of an image."},
    "feed_id": {"schema": {"type": "integer"}, "description": "The id of a watched job of a builds server."},
    "webhook_id": {"schema": {"type": "integer"}, "description": "The id of a webhook."},
    "delivery_id": {"schema": {"type": "integer"}, "description": "The id of a delivery to a webhook."},
    "build_server_id": {"schema": {"type": "integer"}, "description": "The id of a build server."},
    "volume_id": {"schema": {"type": "integer"}, "description": "The id of a block volume."},
    "unikernel_id": {"schema": {"type": "integer"}, "description": "The id of a unikernel."},
    "run_id": {"schema": {"type": "integer"}, "description": "The id of a run."},
    "change": {"schema": {"type": "string"}, "description": "From Link of a write."},
    "name": {"schema": {"type": "string"}, "description": "The name of a session, from the list."},
    "token_id": {"schema": {"type": "integer"}, "description": "The id of a token."},
    "invitation_id": {"schema": {"type": "integer"}, "description": "The id of an invitation."},
    "role_id": {"schema": {"type": "integer"}, "description": "The id of a role on a domain."},
    "token": {"schema": {"type": "string"}, "description": "The last part of the link."},
    "key_id": {"schema": {"type": "integer"}, "description": "The id of a key of a zone."},
    "signing_key_id": {"schema": {"type": "integer"}, "description": "The id of a DKIM key."},
    "export_id": {"schema": {"type": "integer"}, "description": "The id of an export."},
    "server_id": {"schema": {"type": "integer"}, "description": "The id of a secondary server."},
    "repository_id": {"schema": {"type": "integer"}, "description": "The id of a zone repository."},
    "name_server_id": {
        "schema": {"type": "integer"},
        "description": "The id of a name server that takes dynamic updates.",
    },
    "held_id": {"schema": {"type": "integer"}, "description": "The id of a held name."},
    "page_token": {"schema": {"type": "string"}, "description": "From the answer to the request."},
}

NULL: dict[str, Any] = {"nullable": True, "enum": [None]}
_TEXT = {"type": "string"}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457), for programs and for people.",
    "required": ["type", "title", "status", "detail", "code", "request_id", "problems"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Explains this code."},
        "title": {**_TEXT, "description": "The kind of problem, in words."},
        "status": {"type": "integer"},
        "detail": {**_TEXT, "description": "What happened this time, and what to do."},
        "code": {"type": "string", "enum": sorted(errors.CODES), "description": "For programs."},
        "request_id": {**_TEXT, "description": "Say it when you report this; X-Request-Id has it too."},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "problem", "fix"],
                "properties": {
                    "field": {**_TEXT, "description": "Where, e.g. targets[0]; empty: the whole."},
                    "problem": {**_TEXT, "description": "What is wrong with the value."},
                    "fix": {**_TEXT, "description": "What to do instead."},
                },
            },
        },
    },
}
_EXAMPLE_PROBLEMS = [
    {"field": "local_part", "problem": "“Ada” has capital letters.", "fix": "Write “ada”."},
]
_VERBS = {
    "retrieve": "get",
    "create": "create",
    "update": "put",
    "partial_update": "change",
    "destroy": "delete",
}
# 403 also where a second factor is needed first.
_ALWAYS = (400, 401, 403, 404, 406, 429, 500, 503)
_OF_WRITES = (408, 409, 411, 413, 415)
IF_MATCH: dict[str, Any] = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The ETag that you read. Where somebody changed it since: 412 with the present one.",
}
IF_NONE_MATCH: dict[str, Any] = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "The ETag that you have. Where nothing is different: 304 without a body.",
}
IDEMPOTENCY_KEY: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "description": "Yours, new for each request. Asked again with it, the write is not done again and is"
    " answered the same, for 24 hours.",
}
_ETAG = {"schema": {"type": "string"}, "description": "The tag of this body, for If-Match and If-None-Match."}
_HEADERS_OF_WRITES: dict[str, Any] = {
    "Link": {
        "schema": {"type": "string"},
        "description": "Where something has to be written outside: the address to wait at, rel=monitor.",
    },
    "Rookery-Observed": {
        "schema": {"type": "string", "enum": ["true", "false"]},
        "description": "With `wait`: whether the change was read back from outside.",
    },
}
_HEADERS_OF_KEYS: dict[str, Any] = {
    "Idempotency-Replayed": {
        "schema": {"type": "string", "enum": ["true"]},
        "description": "This was asked before, and this was the answer then.",
    },
    "Rookery-Withheld": {
        "schema": {"type": "string"},
        "description": "With Idempotency-Replayed: fields that are shown once, and null here.",
    },
}


def operation(summary: str, *, responses: Any, request: Any = None) -> Callable[[Method], Method]:
    """Describe an action: one line, what it takes, what it answers."""
    return extend_schema(summary=summary, request=request, responses=responses)


class Schema(AutoSchema):
    """Takes names from the viewset and adds what all operations share."""

    def get_operation_id(self) -> str:
        """`create_mailbox`, `list_mailboxes`; an action with a longer name of its own keeps that."""
        view: Any = self.view
        action, noun = str(view.action), str(view.noun)
        if action == "list":
            return f"list_{view.plural or noun + 's'}"
        if action in _VERBS:
            return f"{_VERBS[action]}_{noun}"
        return action if "_" in action else f"{action}_{noun}"

    def get_tags(self) -> list[str]:
        view: Any = self.view
        return [view.tag]

    def get_override_parameters(self) -> list[Any]:
        view: Any = self.view
        shape = view.query_shape(self.method, view.action)
        return [shape] if shape().fields else []

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """As the framework's, with the lists that must have something in them."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        must = (
            direction == "request"
            and schema.get("type") == "array"
            and not getattr(field, "allow_empty", True)
        )
        return {**schema, "minItems": 1} if must else schema

    def _postprocess_serializer_schema(self, schema: Any, serializer: Any, direction: Any) -> Any:
        schema = super()._postprocess_serializer_schema(schema, serializer, direction)  # type: ignore[no-untyped-call]
        example = getattr(serializer, "example", None)
        return {**schema, "example": example} if example is not None else schema

    def _takes_if_match(self) -> bool:
        view: Any = self.view
        writes = self.method not in SAFE_METHODS
        return writes and view.takes_if_match(self.path_regex_names())

    def path_regex_names(self) -> set[str]:
        """The variables in the operation's address."""
        return set(re.findall(r"{(\w+)}", self.path))

    def _is_tagged(self) -> bool:
        """Does reading answer with a tag?"""
        view: Any = self.view
        return view.action not in {"list", *view.fleeting}

    def _get_parameters(self) -> list[dict[str, Any]]:
        view: Any = self.view
        found: list[dict[str, Any]] = super()._get_parameters()
        if self.method in SAFE_METHODS:
            return [*found, *([IF_NONE_MATCH] if self._is_tagged() else [])]
        return [
            *found,
            *([IF_MATCH] if self._takes_if_match() else []),
            *([IDEMPOTENCY_KEY] if view.keyed else []),
        ]

    def _add_headers(self, bodies: dict[str, Any], writes: bool) -> None:
        """What answers that are no refusals carry besides their bodies."""
        view: Any = self.view
        if not writes and self._is_tagged():
            bodies["200"] = {**bodies["200"], "headers": {"ETag": _ETAG}}
            bodies["304"] = {"description": "You have it already.", "headers": {"ETag": _ETAG}}
        if writes:
            more = {**_HEADERS_OF_WRITES, **_HEADERS_OF_KEYS} if view.keyed else {}
            tag = {"ETag": _ETAG} if view.keyed else {}
            bodies |= {status: {**body, "headers": {**tag, **more}} for status, body in bodies.items()}

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        return [{"in": "path", "name": name, "required": True, **PATH_PARAMETERS[name]} for name in variables]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        writes = self.method not in SAFE_METHODS
        for code in ("201", "202"):
            if writes and code in bodies and "200" not in bodies:
                bodies["200"] = {**bodies[code], "description": "A dry run: what would be."}
        self._add_headers(bodies, writes)
        conditional = {412} if self._takes_if_match() else set()
        refusals = {*_ALWAYS, *(_OF_WRITES if writes else ()), *conditional}
        view: Any = self.view
        if writes and view.keyed:
            refusals.add(422)
        for status in sorted(refusals):
            bodies[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
        return bodies


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "panel.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A key made in the panel: rk_…"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "panel.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "rookery_session",
            "description": "The panel's own pages; writes carry X-CSRFToken.",
        }


def _problem_response(status: int) -> dict[str, Any]:
    codes = [code for code, (each, _, _) in errors.CODES.items() if each == status]
    headers: dict[str, Any] = {}
    if status in {429, 503}:
        headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds."}
    if status == 412:
        headers["ETag"] = _ETAG
    if status == 401:
        headers["WWW-Authenticate"] = {"schema": _TEXT}
    examples = {
        code: {
            "value": {
                **errors.problem(code, errors.CODES[code][2], "5f1d0c9a4c5e4f6f8e0c1b2a3d4e5f60"),
                "problems": _EXAMPLE_PROBLEMS if code == "invalid" else [],
            }
        }
        for code in codes
    }
    return {
        "description": " ".join(f"{code}: {errors.CODES[code][2]}" for code in codes),
        **({"headers": headers} if headers else {}),
        "content": {
            errors.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
        },
    }


_INTRODUCTION = f"""Everything that the panel can do, for programs.

Addresses end with a slash. Bodies and answers are JSON; times are RFC 3339 in UTC. Send a token made in the
panel: `Authorization: Bearer rk_…`. What you may not see does not exist for you: both answer 404.

A change is first accepted (the answer that you get), then written outside by workers and read back. Only
then is it proved: `observed` of a mailbox turns true when `observed_generation` of its sync target has
reached the mailbox's `generation`.

Every write takes `?dry_run=true`. Unknown fields and parameters are refused, so that a misspelled one cannot
do harm. Lists come in pages: follow `next` until it is null.

`?wait=5` on a write waits up to 5 seconds for the proof; `Rookery-Observed` says whether it came. `Link` with
`rel="monitor"` is the address to go on waiting at.

A single thing has an `ETag`. Send it back as `If-Match` with a write, and the write is refused with 412 when
somebody changed the thing meanwhile; what workers report about it does not count as a change. Send it as
`If-None-Match` when reading, and the answer is 304 while nothing is different, reports included.

Send an `Idempotency-Key` of your own with a write, and you may send it again when its answer was lost: it is
done once and answered the same for 24 hours. A refused write is not kept; it may be tried again. What is
shown once (the key of a token) is not kept either: `Rookery-Withheld` names it in the second answer.

`POST /api/v1/bulk/` does up to 100 operations in one transaction, all of them or none.

Limits: {throttling.READS} for reading and {throttling.WRITES} for writing by each token (or account, in a
browser); {throttling.ANONYMOUS} from a client network without one. Above that the answer is 429 with
Retry-After. Asking for addresses has stricter limits of its own, per network, target and domain."""


@cache
def openapi() -> dict[str, Any]:
    """The whole description. Do not change it: it is shared."""
    generator: Any = SchemaGenerator(patterns=_patterns())  # type: ignore[no-untyped-call]
    result = build_root_object(
        paths=generator.parse(None, True),
        components=generator.registry.build(spectacular_settings.APPEND_COMPONENTS),
        webhooks=[],
        version=None,
    )
    result["info"]["description"] = _INTRODUCTION
    components = result["components"]
    components["schemas"]["Problem"] = PROBLEM
    statuses = sorted({status for status, _, _ in errors.CODES.values()})
    components["responses"] = {f"Problem{status}": _problem_response(status) for status in statuses}
    described = normalize_result_object(result)  # type: ignore[no-untyped-call]
    described = sanitize_result_object(described)  # type: ignore[no-untyped-call]
    return cast(dict[str, Any], _with_null(described))


def _with_null(part: Any) -> Any:
    """Say of a nullable reference that it may be null: `nullable` beside `allOf` does not (OpenAPI 3.0.3,
    Proposal 2019-10-31 “Clarify nullable”), since the shape inside refuses null."""
    if isinstance(part, list):
        return [_with_null(each) for each in part]
    if not isinstance(part, dict):
        return part
    part = {name: _with_null(inner) for name, inner in part.items()}
    if part.get("nullable") and "allOf" in part:
        del part["nullable"]
        part["oneOf"] = [*part.pop("allOf"), NULL]
    return part


def _patterns() -> list[Any]:
    from django.urls import include, path  # noqa: PLC0415

    return [path("api/", include("panel.api.urls"))]
