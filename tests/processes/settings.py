"""The product's settings on the database of the running tests."""

from __future__ import annotations

import os

from panel.settings import *  # noqa: F403
from panel.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE_NAME"]
