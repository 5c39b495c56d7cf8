"""What a builds server says in JSON: the jobs that it has, and what they built.

Source: builder-web, which runs builds.robur.coop. Asked with `Accept: application/json`, `/job/NAME` lists
builds, the newest first: {"builds": [{"uuid", "main_binary": {"filename", "sha256", "size"} or null}]};
`/job/NAME/build/UUID` tells of one: {"job", "uuid", "platform", "start_time", "finish_time" (RFC 3339),
"main_binary", ...}; `/job/NAME/build/UUID/main-binary` leads to the file. `?platform=` narrows the list.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from tenants.formats.https_address import check_https_address
from tenants.formats.text import FormatError, printable

LONGEST_JOB = 100
LONGEST_PLATFORM = 60
MOST_BUILDS = 2000
JSON_TYPE = "application/json"
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST = 1 << 40


@dataclass(frozen=True)
class Job:
    """A job of a builds server; `platform` is empty where any is meant."""

    server: str
    name: str
    platform: str = ""

    @property
    def address(self) -> str:
        """Of its builds."""
        asked = f"?{urlencode({'platform': self.platform})}" if self.platform else ""
        return f"{self._base}{asked}"

    def build_address(self, uuid: str) -> str:
        return f"{self._base}/build/{uuid}"

    def file_address(self, uuid: str) -> str:
        """Of the file that a build made."""
        return f"{self.build_address(uuid)}/main-binary"

    @property
    def _base(self) -> str:
        return f"https://{self.server}/job/{quote(self.name)}"


@dataclass(frozen=True)
class ListedBuild:
    """A build that made a file; `size` in bytes."""

    uuid: str
    file_name: str
    sha256: str
    size: int


def read_job_address(value: object, *, field: str = "url") -> Job:
    """The job whose page has this address, alone or with more of the path behind it. Raises FormatError."""
    text, server = check_https_address(value, field=field)
    parts = urlsplit(text)
    steps = [unquote(each) for each in parts.path.split("/") if each]
    if len(steps) < 2 or steps[0] != "job" or not _is_name(steps[1], LONGEST_JOB):
        raise FormatError(
            field, "This is no page of a job.", "Write it like https://builds.robur.coop/job/dns-resolver."
        )
    query = [each.partition("=") for each in parts.query.split("&") if each]
    platform = next((unquote(text) for name, _, text in query if name == "platform"), "")
    if platform and not _is_name(platform, LONGEST_PLATFORM):
        raise FormatError(field, "This is no name of a platform.", "Write it like ?platform=debian-12.")
    return Job(server, steps[1], platform)


def read_listing(contents: bytes) -> ListedBuild | None:
    """The newest build of a job that made a file; None where none did. Raises FormatError."""
    builds = _object(contents).get("builds")
    if not isinstance(builds, list):
        raise _strange("it lists no builds")
    for each in builds[:MOST_BUILDS]:
        if not isinstance(each, dict):
            raise _strange("a build of it is no object")
        if each.get("main_binary") is not None:
            return _listed(each)
    return None


def _listed(build: dict[str, Any]) -> ListedBuild:
    file = build["main_binary"]
    if not isinstance(file, dict):
        raise _strange("a file of it is no object")
    uuid, sha256, size = build.get("uuid"), file.get("sha256"), file.get("size")
    name = file.get("filename")
    if not isinstance(uuid, str) or not _UUID.fullmatch(uuid):
        raise _strange("a build of it has no UUID")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise _strange("a file of it has no SHA-256")
    if type(size) is not int or not 0 < size < _LARGEST:
        raise _strange("a file of it has no size")
    if not isinstance(name, str) or not name:
        raise _strange("a file of it has no name")
    return ListedBuild(uuid, printable(name, 100), sha256, size)


def read_finish_time(contents: bytes, listed: ListedBuild) -> datetime:
    """When the build that was listed was over. Raises FormatError, also where it tells of another build."""
    build = _object(contents)
    if build.get("uuid") != listed.uuid:
        raise _strange("it tells of another build than it was asked for")
    try:
        time = datetime.fromisoformat(str(build.get("finish_time"))[:40])
        if time.tzinfo is None:
            raise ValueError("it names no time zone")
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _strange("a build of it has no time") from None


def _object(contents: bytes) -> dict[str, Any]:
    try:
        value = json.loads(contents)
    except (ValueError, RecursionError):
        raise _strange("that is no JSON") from None
    if not isinstance(value, dict):
        raise _strange("that is no object")
    return value


def _is_name(text: str, longest: int) -> bool:
    return len(text) <= longest and _SEGMENT.fullmatch(text) is not None


def _strange(why: str) -> FormatError:
    return FormatError(
        "url",
        f"The server does not answer as a builds server does: {why}.",
        "Open the address in a browser. If it is a job of builder-web, try again later.",
    )
