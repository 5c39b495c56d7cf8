"""Repositories, what is found in them, and those that read them."""

from __future__ import annotations

from tenants.actions import (
    adoption,
    certificate_uses,
    git_hosts,
    readers,
    repositories,
    restored,
    sync,
    zone_repositories,
)
from tenants.models import (
    Domain,
)
from tests.as_if import CHECKSUM
from tests.tenants.every_action.world import Rows

ROWS: Rows = {
    "let_go": ("P", lambda a, w: restored.let_go(actor=a, target=w.held_target)),
    "let_all_go": ("P", lambda a, w: restored.let_all_go(actor=a)),
    "decide_held_messages": ("P", lambda a, w: restored.decide_held_messages(actor=a, send=True)),
    "connect_repository": (
        "OP",
        lambda a, w: repositories.connect_repository(
            actor=a, domain=Domain.objects.get(name="second.example"), host="git.example.org", path="b.git"
        ),
    ),
    "confirm_host_key": (
        "OP",
        lambda a, w: repositories.confirm_host_key(
            actor=a, repository=w.repository, fingerprint_seen=w.fingerprint
        ),
    ),
    "check_now": ("OMP", lambda a, w: sync.check_now(actor=a, target=w.target)),
    "request_preview": ("OMP", lambda a, w: sync.request_preview(actor=a, target=w.target)),
    "approve_plan": ("OP", lambda a, w: sync.approve_plan(actor=a, run=w.run, checksum="ab" * 32)),
    "change_drift_mode": ("OP", lambda a, w: sync.change_drift_mode(actor=a, target=w.target, mode="repair")),
    "decide_findings": (
        "OP",
        lambda a, w: adoption.decide_findings(actor=a, target=w.target, decision="adopt", units=["mary"]),
    ),
    "link_reader": (
        "OP",
        lambda a, w: readers.link_reader(actor=a, repository=w.repository, unikernel=w.stopped, role="relay"),
    ),
    "unlink_reader": ("OP", lambda a, w: readers.unlink_reader(actor=a, reader=w.reader)),
    "change_restart_pace": (
        "OP",
        lambda a, w: readers.change_restart_pace(actor=a, repository=w.repository, quiet=60, apart=900),
    ),
    "restart_readers": ("OMP", lambda a, w: readers.restart_readers(actor=a, repository=w.repository)),
    "link_certificate": (
        "OP",
        lambda a, w: certificate_uses.link_certificate(
            actor=a, unikernel=w.stopped, certificate=w.use.zone.certificates.get()
        ),
    ),
    "unlink_certificate": ("OP", lambda a, w: certificate_uses.unlink_certificate(actor=a, use=w.use)),
    "restart_for_certificate": (
        "OMP",
        lambda a, w: certificate_uses.restart_for_certificate(actor=a, use=w.use),
    ),
    "confirm_reload": ("OP", lambda a, w: sync.confirm_reload(actor=a, target=w.target)),
    "connect_zone_repository": (
        "OP",
        lambda a, w: zone_repositories.connect_zone_repository(
            actor=a,
            organization=w.organization,
            host="git.example.org",
            path="more.git",
            address="127.0.0.54",
        ),
    ),
    "change_primary": (
        "OP",
        lambda a, w: zone_repositories.change_primary(actor=a, repository=w.zones_at, address="127.0.0.55"),
    ),
    "look_at_git_host": (
        "OP",
        lambda a, w: git_hosts.look_at_git_host(actor=a, repository=w.zones_at),
    ),
    "prepare_git_host": (
        "OP",
        lambda a, w: git_hosts.prepare_git_host(actor=a, repository=w.zones_at, plan=CHECKSUM),
    ),
}
