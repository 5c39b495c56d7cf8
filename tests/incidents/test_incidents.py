"""The holes of 2025 and 2026 in panels like this one, class by class: for each, what tries it here.

Most attacks are tried where the thing that they attack is tested; ATTACKS names those tests, and they have
to be there. What only a look at all of the source can show is below.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for folder in ("panel", "tenants", "workers") for path in (ROOT / folder).rglob("*.py")]
# Only files with something to look at are parsed.
WORTH_A_LOOK = re.compile(
    r"""\.objects\.get\(|shell=|os\.(system|popen)|getoutput|\$["']|\.execute|RawSQL|\.raw\(|\.extra\("""
)
HERE = "tests/incidents/test_incidents.py"

# Class → the tests that try it. The numbers are those of the list that we go by.
ATTACKS: dict[str, tuple[str, ...]] = {
    "01 another tenant's object by its id": (
        "tests/access/test_pages_matrix.py::test_each_role",
        "tests/access/test_api_matrix.py::test_each_role_by_key",
        "tests/access/test_api_matrix.py::test_each_role_by_session",
        f"{HERE}::test_views_look_nothing_up_by_themselves",
    ),
    "02 privilege escalation by what lies in one's own domain": (
        "tests/access/test_rank.py::test_whoever_ranks_below_is_refused",
        "tests/tenants/test_domain_roles.py::test_nobody_reads_the_sign_in_of_somebody_with_another_role",
        "tests/tenants/test_imports.py::test_nobody_takes_a_sign_in_of_somebody_above",
    ),
    "03 missing authentication": (
        "tests/access/test_pages_matrix.py::test_the_table_knows_every_page_and_method",
        "tests/access/test_api_matrix.py::test_the_table_knows_every_operation",
        f"{HERE}::test_nothing_is_open_unless_it_says_so",
    ),
    "04 missing authorization of one verb": (
        "tests/access/test_pages_matrix.py::test_each_role",
        "tests/access/test_pages_matrix.py::test_other_methods_are_refused",
        "tests/access/test_api_matrix.py::test_each_role_by_key",
        "tests/access/test_api_matrix.py::test_a_reading_key_only_reads",
    ),
    "05 command injection": (
        "tests/ssh/test_hostile_bytes.py::test_a_path_is_quoted_as_git_shell_demands",
        "tests/zone/test_exported_commands.py::test_nothing_from_outside_is_run_by_the_shell",
        "tests/host_setup/test_plan.py::test_every_value_is_quoted",
        f"{HERE}::test_no_shell_is_started",
    ),
    "06 lines added to another tenant's file": (
        "tests/formats/test_relay_entry.py::test_what_is_written_is_read_back",
        "tests/zones/test_bind_export.py::test_another_reader_understands_the_same",
        "tests/tenants/test_hostile_text.py::test_hostile_text",
        f"{HERE}::test_no_pattern_lets_a_line_end_through",
    ),
    "07 a check on one door only": (
        "tests/access/test_addresses_at_doors.py::test_local_parts",
        "tests/access/test_addresses_at_doors.py::test_targets",
        "tests/access/test_addresses_at_doors.py::test_hashes",
        "tests/tenants/test_imports.py::test_an_import_refuses_what_a_form_refuses",
        "tests/web/test_sandbox_mail.py::test_nothing_outside_the_folder",
    ),
    "08 second-order injection by a background job": (
        "tests/workers/test_webhook_sender.py::test_rows_are_not_believed_either",
        "tests/panel/test_secrets.py::test_tasks_take_ids_and_give_nothing",
        f"{HERE}::test_no_text_is_glued_into_sql",
    ),
    "09 links poisoned by the header Host": (
        "tests/web/test_sign_in_incidents.py::test_host_poisoning",
        "tests/web/test_sign_in_incidents.py::test_host_poisoning_by_host",
        "tests/web/test_passkeys.py::test_a_forged_host_changes_nothing",
    ),
    "10 stored cross-site scripting by text of strangers": (
        "tests/access/test_hostile_pages.py::test_text_in_forms",
        "tests/access/test_inline.py::test_it_finds",
        "tests/watch/test_lines.py::test_lines_are_harmless",
        "tests/web/test_sandbox_mail.py::test_hostile_mails_stay_text",
        "tests/workers/test_webhook_sender.py::test_what_is_answered_is_kept_as_harmless_text",
    ),
    "11 second factor skipped": (
        "tests/web/test_second_step.py::test_the_register_of_ways_in_is_complete",
        "tests/web/test_second_step.py::test_every_way_in_ends_at_the_second_step",
        "tests/access/test_factor_matrix.py::test_between_two_steps_somebody_is_nobody",
        "tests/access/test_factor_matrix.py::test_whoever_lacks_one_gets_nowhere_else",
        "tests/web/test_sign_in_incidents.py::test_second_factor_bypass_by_what_is_stored",
    ),
    "12 second factor weak": (
        "tests/web/test_sign_in_incidents.py::test_second_factor_bypass_by_a_key_for_programs",
        "tests/web/test_second_step.py::test_class_reusable_code_one_code_signs_in_once",
        "tests/web/test_second_step.py::test_class_guessing_a_new_first_step_gives_no_new_tries",
        "tests/web/test_second_step.py::test_a_right_code_uses_no_try_up_and_forgives_none",
    ),
    "13 session fixation": (
        "tests/web/test_sign_in_incidents.py::test_session_fixation",
        "tests/web/test_sign_in.py::test_every_sign_in_has_a_new_session",
        "tests/web/test_sessions.py::test_another_rank_is_another_key",
        "tests/web/test_account.py::test_setting_a_panel_password_keeps_this_session_and_ends_others",
    ),
    "14 cross-site request forgery": (
        "tests/access/test_csrf.py::test_a_form_with_our_token_from_elsewhere_is_refused",
        "tests/access/test_api_matrix.py::test_a_browser_without_its_csrf_token_writes_nothing",
        "tests/access/test_pages_matrix.py::test_head_is_get_without_a_body",
        "tests/web/test_sign_in_incidents.py::test_missing_csrf_protection",
    ),
    "15 server-side request forgery": (
        "tests/outward/test_fetch.py::test_a_private_address_is_never_dialled",
        "tests/outward/test_fetch.py::test_a_redirect_elsewhere_is_not_followed",
        "tests/workers/test_webhook_sender.py::test_a_name_that_changes_between_look_and_dial_gains_nothing",
        "tests/workers/test_webhook_sender.py::test_a_redirect_is_a_failure",
        "tests/workers/test_dialers.py::test_no_door_into_the_network_around",
    ),
    "16 more in an answer than is meant": (
        "tests/access/test_planted_secrets.py::test_what_is_sent_comes_out_nowhere",
        "tests/access/test_planted_secrets.py::test_every_column_with_a_secret_is_planted",
        "tests/access/test_planted_secrets.py::test_no_field_shows_a_secret_again",
        "tests/access/test_stored_secrets.py::test_no_answer_tells_what_is_stored",
        "tests/access/test_stored_secrets.py::test_what_is_written_tells_nothing_that_is_stored",
        "tests/access/test_stored_secrets.py::test_what_breaks_tells_nothing_that_is_stored",
        "tests/api/test_schema.py::test_no_shape_has_a_hash_or_a_private_key",
        "tests/access/test_api_matrix.py::test_lists_and_filters_show_nothing_foreign",
    ),
    "17 exhausted by what is packed, and formulas in exported cells": (
        "tests/albatross/test_solo5_image.py::test_a_bomb_is_stopped",
        "tests/outward/test_fetch.py::test_packed_answers_and_errors_are_refused",
        "tests/formats/test_tables.py::test_too_many_rows",
        "tests/formats/test_tables.py::test_cells_are_no_formulas_and_come_back",
        "tests/web/panel/test_history.py::test_the_download_is_safe_in_a_spreadsheet",
    ),
    "18 who has an account": (
        "tests/access/test_enumeration.py::test_a_link_is_promised_to_everybody",
        "tests/access/test_enumeration.py::test_no_password_says_which_part_is_wrong",
        "tests/web/test_guessing.py::test_a_password_takes_as_long_for_nobody",
        "tests/web/test_guessing.py::test_a_link_takes_as_long_for_nobody",
    ),
}


@cache
def _tests_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("kind", ATTACKS)
def test_the_attack_is_tried(kind: str) -> None:
    tried = [each.partition("::")[::2] for each in ATTACKS[kind]]
    assert [f"{path}::{name}" for path, name in tried if name not in _tests_in(path)] == []


def test_none_of_the_list_is_left_out() -> None:
    assert [int(kind[:2]) for kind in ATTACKS] == list(range(1, 19))


# What all of the source shows ----------------------------------------------------------------------------


@cache
def _calls() -> tuple[tuple[str, ast.Call], ...]:
    return tuple(
        (str(path.relative_to(ROOT)), node)
        for path in SOURCES
        if WORTH_A_LOOK.search(text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
    )


def _named(call: ast.Call) -> str:
    return ast.unparse(call.func)


def test_views_look_nothing_up_by_themselves() -> None:
    """Rows come from tenants.access, which knows who asks; `Model.objects.get(…)` does not."""
    found = {
        (place, ast.unparse(call))
        for place, call in _calls()
        if place.startswith(("panel/web/", "panel/api/")) and re.search(r"\.objects\.get$", _named(call))
    }
    assert found == {
        # The row that the caller was given by tenants.access, read anew.
        ("panel/web/zone_staging.py", "Zone.objects.get(pk=zone.pk)"),
        # The only one that there is, and no tenant's.
        ("panel/web/backups.py", "Installation.objects.get(pk=Installation.current_id())"),
    }


def test_nothing_is_open_unless_it_says_so() -> None:
    assert settings.REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"] == [
        "rest_framework.permissions.IsAuthenticated"
    ]


def test_no_shell_is_started() -> None:
    """Commands are lists. `shell=True` of the sandbox's own git host says that accounts there may log in."""
    started = {
        place
        for place, call in _calls()
        if _named(call) in {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
        or any(
            each.arg == "shell" and not (isinstance(each.value, ast.Constant) and each.value.value is False)
            for each in call.keywords
        )
    }
    assert started <= {"workers/management/commands/sandbox.py"}


def _patterns() -> Iterator[tuple[str, str]]:
    for place, call in _calls():
        if re.fullmatch(r"re\.\w+", _named(call)) and call.args and isinstance(call.args[0], ast.Constant):
            pattern = call.args[0].value
            yield place, pattern.decode("latin-1") if isinstance(pattern, bytes) else str(pattern)


def test_no_pattern_lets_a_line_end_through() -> None:
    """`$` also matches before a line end: `fullmatch` or `\\Z` says what is meant."""
    ends = {(place, pattern) for place, pattern in _patterns() if re.search(r"(?<!\\)\$$", pattern)}
    assert {place for place, _ in ends} == {
        "tenants/formats/firewall/saved.py",  # takes counters off a line that was split before
        "workers/relay/trailers.py",  # of a commit, line by line
        "workers/sandbox/builds.py",  # a file's name in the sandbox
    }


def test_no_text_is_glued_into_sql() -> None:
    """Statements are constants; what is in a row comes as a parameter."""
    glued = {
        place
        for place, call in _calls()
        if _named(call).endswith((".execute", ".executemany", "RawSQL", ".raw", ".extra"))
        and call.args
        and not isinstance(call.args[0], ast.Constant | ast.Name)
    }
    assert glued == {
        "tenants/answers.py",  # a time that is ours
        "tenants/bounded.py",  # statements that Django compiled, and their parameters
    }
