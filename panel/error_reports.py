"""What a report about one of our own mistakes may show: where it happened, and no value at all.

Reports appear on the page of DEBUG only. Variables, forms and headers of a panel are other people's secrets,
and deciding by their names which of them are would forget one.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, QueryDict
from django.views.debug import SafeExceptionReporterFilter

from panel.logs import mask


class NoValues(SafeExceptionReporterFilter):
    """The setting DEFAULT_EXCEPTION_REPORTER_FILTER."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        sent = request.POST if request is not None else QueryDict()
        return dict.fromkeys(sent, self.cleansed_substitute)

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        """Of settings, headers and cookies: those that are secrets, or hold one."""
        cleansed = super().cleanse_setting(key, value)
        if isinstance(key, str) and key.endswith("_URL") and key != "BASE_URL":
            return self.cleansed_substitute
        return mask(cleansed) if isinstance(cleansed, str) else cleansed
