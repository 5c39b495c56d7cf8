from __future__ import annotations

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"
    verbose_name = "Workers"

    def ready(self) -> None:
        """Fill the outbox's slot, so that a commit can hint to a worker."""
        from tenants import outbox  # noqa: PLC0415 - models are ready only now
        from workers.hints import send_hint  # noqa: PLC0415

        outbox.send_hint = send_hint
