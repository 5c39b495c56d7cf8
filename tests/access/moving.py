"""Who may take an organization along, and import such a file: the columns are those of pages.py."""

from __future__ import annotations

from base64 import b64encode

from tenants.formats.organization_file import FORMAT, VERSION, OrganizationFile, written
from tests.access.rows import Row

FORM = "       in 404 404 403 403 200 200"
ASKED = "     401 404 404 403 403 200 200"
MADE = "      401 404 404 403 403 201 201"
OWN = {"export_id": "{all_export}", "import_id": "{all_import}"}
EMPTY = written(OrganizationFile(FORMAT, VERSION, "2026-11-22T09:00:00Z", "Another"))

PAGES = [
    Row("organization-export", "GET", FORM),
    Row("organization-export", "POST", FORM, {"secrets": "1"}),
    Row("organization-export-fetch", "POST", FORM, at=OWN),
    Row("organization-import", "GET", FORM),
    Row("organization-import", "POST", "in 404 404 403 403 400 400", {"key": ""}),
    # A preview is its maker's alone: in these worlds the owner's.
    Row("organization-import-page", "GET", "in 404 404 403 403 200 404", at=OWN),
    Row(
        "organization-import-apply",
        "POST",
        "in 404 404 403 403 to 404",
        {"digest": "{all_digest}"},
        at=OWN,
    ),
    Row("organization-import-discard", "POST", "in 404 404 403 403 to 404", at=OWN),
]
OPERATIONS = [
    # Whoever may take none along sees that there is none.
    Row("api:organization-exports", "GET", "401 404 404 200 200 200 200"),
    Row("api:organization-exports", "POST", MADE, {"with_secrets": True}),
    Row("api:organization-export", "GET", "401 404 404 404 404 200 200", at=OWN),
    Row("api:organization-export-fetch", "POST", "401 404 404 404 404 200 200", at=OWN),
    Row(
        "api:organization-import",
        "POST",
        ASKED,
        {
            "file": b64encode(EMPTY).decode(),
            "key": "",
            "vouched": False,
            "people": False,
            "leave_out_refused": False,
        },
    ),
]
