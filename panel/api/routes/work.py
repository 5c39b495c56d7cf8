"""What workers keep in agreement, their runs, and what happened."""

from __future__ import annotations

from django.urls import path

from panel.api.activity import Events
from panel.api.findings import Findings
from panel.api.routes import Routes
from panel.api.runs import Runs
from panel.api.targets import HeldTargets, SyncTargets

targets: Routes = [
    path("", SyncTargets.as_view({"get": "list"}), name="targets"),
    path("let-all-go/", HeldTargets.as_view({"post": "let_all_go"}), name="targets-let-all-go"),
    path("<id:target_id>/", SyncTargets.as_view({"get": "retrieve"}), name="target"),
    path("<id:target_id>/check/", SyncTargets.as_view({"post": "check"}), name="target-check"),
    path("<id:target_id>/preview/", SyncTargets.as_view({"post": "preview"}), name="target-preview"),
    path(
        "<id:target_id>/drift-mode/", SyncTargets.as_view({"put": "set_drift_mode"}), name="target-drift-mode"
    ),
    path(
        "<id:target_id>/findings/",
        Findings.as_view({"get": "list"}),
        name="findings",
    ),
    path("<id:target_id>/findings/decide/", Findings.as_view({"post": "decide"}), name="findings-decide"),
    path(
        "<id:target_id>/reload-confirmed/",
        SyncTargets.as_view({"post": "confirm_reload"}),
        name="target-reload-confirmed",
    ),
    path("<id:target_id>/let-go/", SyncTargets.as_view({"post": "let_go_target"}), name="target-let-go"),
]

runs: Routes = [
    path("", Runs.as_view({"get": "list"}), name="runs"),
    path("<id:run_id>/", Runs.as_view({"get": "retrieve"}), name="run"),
    path("<id:run_id>/agree/", Runs.as_view({"post": "agree_to_run"}), name="run-agree"),
]

events: Routes = [
    path("", Events.as_view({"get": "list"}), name="events"),
    path("<id:event_id>/", Events.as_view({"get": "retrieve"}), name="event"),
    path(
        "<id:event_id>/undo/",
        Events.as_view({"get": "preview_undo", "post": "undo_event"}),
        name="event-undo",
    ),
]
