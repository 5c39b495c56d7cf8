"""How tests are dealt to processes (`-p tests.dealing`): file by file, and the browser's to one process.

What is set up for a file is then set up once, and the product in front of the browser is started once. The
longest come first. After the browser no test of its process may touch the database (its loop runs until the
end), so those that do come before, and those that do not behind, to fill what is left of the time.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.touching import touches_database

BROWSER = "tests/browser/"
LONGEST = ("tests/access/", "tests/contract/", "tests/processes/")
# It makes the mail stack that others look at.
FIRST_OF_BROWSER = f"{BROWSER}test_stack.py"


class ByFile(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else file_of(nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After they were shuffled."""
    with_database = {file_of(item.nodeid) for item in items if touches_database(item)}
    items.sort(key=lambda item: turn_of(item.nodeid, file_of(item.nodeid) in with_database))


def turn_of(nodeid: str, touches: bool) -> int:
    if nodeid.startswith(BROWSER):
        return 2 if nodeid.startswith(FIRST_OF_BROWSER) else 3
    if not touches:
        return 4
    return 0 if nodeid.startswith(LONGEST) else 1


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]
