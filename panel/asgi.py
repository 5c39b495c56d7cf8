"""The web server's entry: `uvicorn panel.asgi:application`."""

from __future__ import annotations

import os
import warnings

from django.core.asgi import get_asgi_application

from tenants.starting import or_one_sentence

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
# Style sheets and scripts are small files that WhiteNoise reads; Django would warn of it at every start.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
with or_one_sentence():
    django = get_asgi_application()

from panel.body_caps import BodyCaps, load_addresses  # noqa: E402 - after Django is set up
from panel.lifespan import Started  # noqa: E402
from panel.roles import require_no_workers_key  # noqa: E402

with or_one_sentence():
    require_no_workers_key()
load_addresses()
application = BodyCaps(Started(django))
