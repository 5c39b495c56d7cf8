"""Make an organization, a domain and ten mailboxes by the API; wait for the proof of all of it, print it.

    ROOKERY_URL=https://mail.example ROOKERY_TOKEN=rk_… \\
        python3 docs/integrate.py ORGANIZATION DOMAIN GIT_HOST[:PORT] GIT_PATH HOST_KEY_FINGERPRINT

The token is an operator's, since operators make organizations. GIT_PATH is a bare repository at a git host
that speaks SSH; HOST_KEY_FINGERPRINT is what `ssh-keygen -lf` says of that host's key on the host itself.
Where ROOKERY_WEBHOOK is the address (https) of a program of yours, it is told of each address, and that each
is proved. Python's standard library is enough. Run it again after an interruption: what was done is not done
twice.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any

NAMES = ("ada", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")
PATIENCE = 120.0


def say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


class Rookery:
    """The API: each write has a key, so that one whose answer was lost can be sent again."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._token = token

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[Any, str]:
        """The answer, and the address at which to wait for its proof."""
        address = f"{self.url}{path}" if path.startswith("/") else f"{self.url}/api/v1/{path}"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - the person's own
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                link = answer.headers.get("Link") or ""
                content = answer.read()
        except urllib.error.HTTPError as error:
            problem = json.loads(error.read() or b"{}")
            told = [
                f"{each['field']}: {each['problem']} {each['fix']}" for each in problem.get("problems", [])
            ]
            raise SystemExit(
                "\n".join([f"{method} {path}: {problem.get('detail', error)}", *told])
            ) from error
        return json.loads(content) if content else None, link.partition(">")[0].removeprefix("<")

    def proof(self, monitor: str) -> dict[str, Any]:
        """Wait until a change is proved outside; ends where a person has to decide."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            change, _ = self.ask("GET", f"{monitor}?wait=10")
            if change["observed"]:
                return dict(change)
            if change["over"]:
                raise SystemExit(f"A person has to look: {change['proofs']}")
            time.sleep(0.1)
        raise SystemExit("No proof within two minutes. Do workers run?")


def connect(rookery: Rookery, domain: str, host: str, path: str, fingerprint: str) -> None:
    """Connect the repository that the mail servers read; pin its host's key, if it is the expected one."""
    there = f"domains/{domain}/repository/"
    name, _, port = host.partition(":")
    place = {"host": name, "port": int(port or 22), "path": path}
    repository, _ = rookery.ask("PUT", there, place, key=f"integrate-{domain}-repository")
    say(f"Let this key write there: {repository['public_key']}")
    end = time.monotonic() + PATIENCE
    while not repository["offered_host_key_fingerprint"] and not repository["host_key_fingerprint"]:
        if time.monotonic() > end:
            raise SystemExit(f"{host} offered no key within two minutes. Is it the right name?")
        time.sleep(0.1)
        repository, _ = rookery.ask("GET", there)
    if not repository["host_key_fingerprint"]:
        # Refused unless it is the one that the host offers.
        rookery.ask("POST", f"{there}host-key/", {"fingerprint": fingerprint})
    say(f"Pinned {fingerprint}.")


def add_webhook(rookery: Rookery, organization: int, domain: str, url: str) -> int:
    """Who wants to be told of what follows asks before it happens."""
    place = {"organization": organization, "domain": domain}
    wish = {**place, "name": domain, "url": url, "types": ["mailbox.*"]}
    row, _ = rookery.ask("POST", "webhooks/", wish, key=f"integrate-{domain}-webhook")
    say(f"Webhook {row['id']}. Its secret, shown once: {row['secret'] or 'you have it already'}")
    return int(row["id"])


def told(rookery: Rookery, webhook: int) -> list[str]:
    """What the program was told of, once it has answered to everything."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        page, _ = rookery.ask("GET", f"webhooks/{webhook}/deliveries/")
        types = [each["type"] for each in page["results"] if each["state"] == "delivered"]
        if "mailbox.observed" in types and len(types) == len(page["results"]):
            return [f"{types.count(each)} × {each}" for each in sorted(set(types))]
        time.sleep(0.1)
    raise SystemExit("It did not answer to everything within two minutes. Its log says why: see Webhooks.")


def main(organization: str, domain: str, host: str, path: str, fingerprint: str) -> None:
    rookery = Rookery(os.environ["ROOKERY_URL"], os.environ["ROOKERY_TOKEN"])
    key = f"integrate-{domain}"

    made, _ = rookery.ask("POST", "organizations/", {"name": organization}, key=f"{key}-organization")
    say(f"Organization {made['id']}: {made['name']}")
    rookery.ask("POST", "domains/", {"organization": made["id"], "name": domain}, key=f"{key}-domain")
    say(f"Domain {domain}")
    connect(rookery, domain, host, path, fingerprint)

    hook = os.environ.get("ROOKERY_WEBHOOK", "")
    told_by = add_webhook(rookery, made["id"], domain, hook) if hook else None

    rows = [{"address": name, "targets": [f"{name}@home.example"]} for name in NAMES]
    # `vouched`: the owner answers for those who get the mail; otherwise each of them is asked first.
    table = {"addresses": rows, "vouched": True}
    done, monitor = rookery.ask("POST", f"domains/{domain}/mailboxes/import/", table, key=f"{key}-mailboxes")
    say(f"Ten mailboxes are accepted: {done['counts']}")

    change = rookery.proof(monitor)
    page, _ = rookery.ask("GET", f"domains/{domain}/mailboxes/")
    proved = [each for each in page["results"] if each["observed"]]
    for each in proved:
        say(f"  {each['address']} -> {each['targets'][0]['address']}: proved, {each['state']}")
    for each in change["proofs"]:
        words = ", ".join(f"{name} {value}" for name, value in each["proof"].items())
        say(f"Proof: {each['kind']} {each['target']} at {each['observed_at']}: {words}")
    if told_by is not None:
        say(f"{hook} was told, and answered: {', '.join(told(rookery, told_by))}.")
    if len(proved) < len(NAMES):
        raise SystemExit(f"{len(proved)} of {len(NAMES)} are proved.")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
