"""Is this process well? Exit status 0 or 1, for health checks; the standard library is enough.

Web is asked over HTTP whether it lives. Workers, watch and beat touch a file (ROOKERY_ALIVE_PATH) every few
seconds while they work.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

MOST_SECONDS = 60.0


def problem() -> str:
    """What is wrong; empty if nothing is."""
    if path := os.environ.get("ROOKERY_ALIVE_PATH"):
        try:
            age = time.time() - Path(path).stat().st_mtime
        except OSError:
            return f"{path} was never touched"
        return f"{path} was touched {age:.0f} s ago" if age > MOST_SECONDS else ""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=4)
    try:
        host = urlsplit(os.environ.get("ROOKERY_URL", "")).netloc or "localhost"
        connection.request("GET", "/healthz", headers={"Host": host})
        status = connection.getresponse().status
        return "" if status == 200 else f"/healthz answered {status}"
    except OSError as error:
        return f"/healthz did not answer: {error}"
    finally:
        connection.close()


if __name__ == "__main__":
    if found := problem():
        sys.exit(found)
