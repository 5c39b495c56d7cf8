"""For servers without ASGI. Live pages then fall back to polling."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from panel.roles import require_no_workers_key
from tenants.starting import or_one_sentence

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
with or_one_sentence():
    require_no_workers_key()
    application = get_wsgi_application()
