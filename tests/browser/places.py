"""A lived-in panel: people in every role, and something to see on every page."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import StorageState, expect

from tests.browser import rock
from tests.browser.factor_places import begin_an_app, between_two_steps
from tests.browser.receiver import tell_a_program
from tests.browser.stacking import have_stack, wait_until_all_is_proved
from tests.browser.visitor import SLOW_MS, Visitor
from tests.browser.zone_places import keep_dns_here, pages_of_zones

DOMAIN, STACKED = "example.org", "tern.example"
OWNER, VIEWER, HOLDER = "ada@home.example", "bob@people.example", "grace@harbour.example"
HASH = "2f" * 64

Visit = Callable[..., Visitor]
Pages = dict[str, str]


@dataclass
class Places:
    """Cookies of the owner, a member who may only look, a holder and the operator; and, for each of them
    and for those who are not signed in, the pages by name of their route (with a word after a space where
    one route has several faces)."""

    signed_in: dict[str, StorageState] = field(default_factory=dict)
    pages: dict[str, Pages] = field(default_factory=dict)


def live_in(visit: Visit, administrator: StorageState, repositories: Path) -> Places:
    """Do what makes the pages worth looking at: by pressing what people press, and by one commit of somebody
    else in the sandbox's relay repository below `repositories`."""
    places = Places()
    operator, stranger = visit(storage_state=administrator), visit()
    operator.see_all_organizations()
    # Whether the checks found something wrong by then does not matter here.
    proved = operator.page.locator("main .sentence", has_text="The mail server holds")
    operator.open_until(f"/d/{DOMAIN}", proved)
    _write_by_hand(repositories / "relay.git")
    _invite(operator)
    keep_dns_here(operator, DOMAIN)
    _make_addresses(operator)
    have_stack(operator, STACKED)  # it goes on by itself meanwhile
    machine = _run_a_unikernel(operator, repositories.parents[1])
    waiting = _ask(stranger, "lise", "lise@lab.example")
    confirmation = _link(stranger, "lise@lab.example", "Do you want", "/asked/confirm/")
    agreement = _link(stranger, "team@work.example", "May ", "/confirm/")
    _ask(stranger, "emmy", "emmy@algebra.example")
    stranger.open(_link(stranger, "emmy@algebra.example", "Do you want", "/asked/confirm/"))
    stranger.press("Confirm that I asked")
    _ask(stranger, "maria", "maria@radium.example")
    stranger.open(_link(stranger, "maria@radium.example", "Do you want", "/asked/confirm/"))
    stranger.press("Confirm that I asked")
    decision = _link(stranger, OWNER, f"maria@radium.example asks for maria@{DOMAIN}", "/decide/")
    invitation = _link(stranger, "intern@home.example", "An invitation to", "/invited/")
    _decide(operator)
    for name, email in (("owner", OWNER), ("member", VIEWER), ("holder", HOLDER)):
        person = visit()
        person.sign_in(email)
        places.signed_in[name] = person.context.storage_state()
        if name == "owner":
            begin_an_app(person)
    places.signed_in["halfway"] = between_two_steps(visit(), "maria@radium.example")
    places.signed_in["operator"] = administrator
    stranger.page.goto(f"{stranger.url}/sign-in")
    # Somebody who never signed in: the first such mail is the right one, however late it comes.
    stranger.page.get_by_label("Your e-mail address").first.fill("emmy@algebra.example")
    stranger.press("Send me a link")
    link = _link(stranger, "emmy@algebra.example", "Your link to sign in", "/sign-in/")
    places.pages = {
        "nobody": {
            "sign-in": "/sign-in",
            "sign-in-link": link,
            "ask": f"/ask/{DOMAIN}",
            "ask-lost": f"/ask/{DOMAIN}/already",
            "invited": invitation,
            "decide": decision,
            "asked": waiting,
            "asked-withdraw": f"{waiting}/withdraw",
            "asked-confirm": confirmation,
            "confirm-target": agreement,
            "sandbox-mail": "/sandbox/mail",
            "sandbox-letter": _first_letter(stranger),
            "api:docs": "/api/v1/docs/",
        },
        "halfway": {"second-step": "/second-step"},
        "holder": {
            "own-addresses": "/my",
            "account": "/account",
            "account-delete": "/account/delete",
            "account-factors": "/account/second-factors",
            "account-sessions": "/account/sessions",
            "address-delete-own": f"/d/{DOMAIN}/addresses/grace/delete-own",
            "account-notices": "/account/notices",
            "notices": "/notices",
            "account-tokens": "/account/tokens",
            "address": f"/d/{DOMAIN}/addresses/grace",
            "alias-new": f"/d/{DOMAIN}/new-alias?for=grace",
            "address-history": f"/d/{DOMAIN}/addresses/grace/history",
            "mail-program": f"/d/{DOMAIN}/addresses/grace/mail-program",
        },
    }
    wait_until_all_is_proved(operator, STACKED)
    operator.press("Follow a letter into the domain")
    expect(operator.page.locator("#letter-now")).to_contain_text("It arrived after", timeout=SLOW_MS)
    for name in ("owner", "member", "operator"):
        places.pages[name] = _pages_of_the_panel(visit(storage_state=places.signed_in[name])) | machine
    places.pages["owner"]["account-code-app"] = "/account/second-factors/app"
    places.pages["owner"] |= tell_a_program(visit(storage_state=places.signed_in["owner"]))
    return places


def _write_by_hand(repository: Path) -> None:
    """As somebody who knows no Rookery: an entry that can be taken over, and a file that is no entry."""
    entry = json.dumps({"targets": ["max@school.example"], "password": "0" * 128, "insecure": False})
    stream = f"commit refs/heads/main\ncommitter Max <max@school.example> {int(time.time())} +0000\n"
    stream += "data 7\nby hand\nfrom refs/heads/main^0\n"
    for name, content in (("old-intern", entry), ("README", "Ask Max.")):
        stream += f"M 100644 inline {name}\ndata {len(content)}\n{content}\n"
    words = ["git", f"--git-dir={repository}", "fast-import", "--quiet"]
    subprocess.run(words, input=stream.encode(), check=True, timeout=30)


def _invite(operator: Visitor) -> None:
    page = operator.open("/o/1")
    page.get_by_label("E-mail address").fill(VIEWER)
    page.get_by_label("Role").select_option("viewer")
    operator.press("Save")
    page = operator.open("/domains/new")
    organization = page.get_by_label("Organization")
    if organization.is_visible():
        organization.select_option(label="Analytical Society")
    page.get_by_label("Domain", exact=True).fill("klein.example")
    operator.press("Add the domain")
    page = operator.open(f"/d/{DOMAIN}/requests/invitations")
    page.get_by_label("Whom it is for").fill("The intern")
    page.get_by_label("Mail the link to").fill("intern@home.example")
    operator.press("Make the invitation")
    page = operator.open("/account/tokens")
    page.get_by_label("What is it for?").fill("backup script")
    operator.press("Make the key")


def _make_addresses(operator: Visitor) -> None:
    page = operator.open(f"/d/{DOMAIN}/new-alias")
    page.get_by_label("The address").fill("team")
    page.get_by_label("Others who get the mail").fill("team@work.example")
    page.get_by_label("Note").fill("Everybody at the desk")
    operator.press("Make the alias")
    page = operator.open(f"/d/{DOMAIN}/new-alias?for=ada")
    page.get_by_label("The address").fill("fair")
    page.get_by_label("Last day").fill(f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}")
    operator.press("Make the alias")
    page = operator.open(f"/d/{DOMAIN}/settings/aliases")
    page.get_by_label("People may make aliases").check()
    operator.press("Save")
    page = operator.open(f"/d/{DOMAIN}/settings/names")
    page.get_by_label("The name", exact=True).fill("intern")
    page.get_by_label("Why").fill("Gets mail for three people who left.")
    operator.press("Hold it back")
    # Her mail is lost, and the page of the checks has something to say.
    page = operator.open(f"/d/{DOMAIN}/new-address?kind=alias")
    page.get_by_label("The address").fill("sofia")
    page.get_by_label("Who gets the mail").fill("sofia@nomx.example")
    operator.press("Make the address")
    operator.open_until(f"/d/{DOMAIN}/checks", page.get_by_text("nomx.example has no MX record"))
    page = operator.open(f"/d/{DOMAIN}/new-address")
    page.get_by_label("The address").fill("babbage")
    page.get_by_label("Who gets the mail").fill("charles@engine.example")
    page.locator("[data-phrase-words] span").nth(5).wait_for()
    operator.press("Make the address")
    operator.press("Switch off")
    page = operator.open(f"/d/{DOMAIN}/new-address?kind=alias")
    page.get_by_label("The address").fill("leaver")
    page.get_by_label("Who gets the mail").fill("leaver@elsewhere.example")
    operator.press("Make the address")
    operator.press("Put it into the trash")


def _run_a_unikernel(operator: Visitor, data: Path) -> Pages:
    """On the sandbox's albatross host; the pages of all that."""
    host = rock.host_with_rules(operator) or rock.connect_host(operator, data)
    image = rock.upload(operator, data / "sandbox" / "albatross" / "images" / "hello-1.hvt", "hello")
    unikernel = rock.make_unikernel(operator, host, "hello", "hello", "--verbose")
    fetching = rock.fetch(operator, "https://builds.sandbox.example/nothing.hvt")
    rock.forward_a_port(operator, host)
    return {
        "hosts": "/hosts",
        "host": host,
        "host-prepare": f"{host}/prepare",
        "host-firewall": f"{host}/firewall",
        "images": "/images",
        "image-feed": rock.watch(operator, "https://builds.sandbox.example/job/hello"),
        "image": image,
        "image-fetching": fetching,
        "host-volume": _make_a_volume(operator, host),
        "unikernels": "/unikernels",
        "unikernel": unikernel,
        # Those that stand still: a living console grows while it is looked at.
        "unikernel-console": f"{unikernel}/console?q=tick",
        "unikernel-load": f"{unikernel}/load",
    }


def _make_a_volume(operator: Visitor, host: str) -> str:
    page = operator.open(host)
    page.get_by_label("Block volumes in MB").fill("64")
    operator.press("Set it")
    page.get_by_text("Add a block volume").click()
    form = page.locator("form", has=page.get_by_role("button", name="Add the volume"))
    form.get_by_label("Name").fill("mail")
    form.get_by_label("Size in MB").fill("8")
    operator.press("Add the volume")
    return str(page.get_by_role("link", name="mail", exact=True).get_attribute("href"))


def _rule_of_a_firewall(operator: Visitor) -> str:
    hosts = operator.open("/hosts").locator('main a[href^="/hosts/"]:not([href$="/new"])')
    for path in [str(hosts.nth(index).get_attribute("href")) for index in range(hosts.count())]:
        rule = operator.open(f"{path}/firewall").get_by_role("link", name="Change rule 1")
        if rule.count():
            return str(rule.get_attribute("href"))
    raise AssertionError("no host has a rule")


def _ask(stranger: Visitor, local_part: str, target: str) -> str:
    """Returns the path of the page that shows the request's way."""
    page = stranger.open(f"/ask/{DOMAIN}")
    page.get_by_label("The address you want").fill(local_part)
    page.get_by_label("Where your mail should go").fill(target)
    page.get_by_role("button", name="Paste a hash").click()
    page.get_by_label("Fingerprint of your passphrase").fill(HASH)
    stranger.press("Ask for this address")
    return page.url.removeprefix(stranger.url)


def _decide(operator: Visitor) -> None:
    page = operator.open(f"/d/{DOMAIN}/requests")
    page.get_by_role("link", name=f"grace@{DOMAIN}").click()
    operator.press(f"Approve grace@{DOMAIN}")
    page = operator.open(f"/d/{DOMAIN}/requests")
    page.get_by_role("link", name=f"emmy@{DOMAIN}").click()
    page.get_by_text("Refuse it, with a reason").click()
    page.get_by_label("Reason").fill("We keep short names for the committee. Ask for emmy.noether.")
    operator.press("Refuse and send the reason")


def _link(visitor: Visitor, address: str, subject: str, below: str) -> str:
    """The path of the link in the newest such mail; it is not opened."""
    visitor.read_mail(address, subject)
    link: Any = visitor.page.locator(f'pre a[href^="{visitor.url}{below}"]').get_attribute("href")
    return str(link).removeprefix(visitor.url)


def _first_letter(visitor: Visitor) -> str:
    visitor.open("/sandbox/mail")
    return str(visitor.page.locator("main section a").first.get_attribute("href"))


def _look_at_a_table(visitor: Visitor) -> str:
    """The path of the preview of a table with a row of every kind; it is not applied."""
    page = visitor.open(f"/d/{DOMAIN}/import")
    page.get_by_label("or its lines").fill(
        "address;targets;note\n"
        "lovelace;ada@engine.example second@engine.example;She writes programs\n"
        "team;team@work.example;Moved to the second floor\nada;;\nCharles;charles@home.example;\n"
    )
    visitor.press("Show what it would do")
    return page.url.removeprefix(visitor.url)


def _look_at_a_file(visitor: Visitor) -> str:
    """The path of the preview of an organization's file: something new, refused and left out each."""
    page = visitor.open("/o/1/import")
    domains = [{"name": "moved.example", "requests": "closed"}, {"name": "no domain", "requests": "closed"}]
    head = {"format": "rookery-organization", "version": 2, "made_at": "2026-11-22T09:00:00Z", "name": "Away"}
    people = [{"email": "somebody.with.a.long.address@people.example", "role": "viewer"}]
    content = json.dumps({**head, "people": people, "domains": domains}).encode()
    sent: Any = {"name": "away.json", "mimeType": "application/json", "buffer": content}
    page.get_by_label("The file of an organization").set_input_files(sent)
    visitor.press("Show what it would do")
    return page.url.removeprefix(visitor.url)


def _pages_of_the_panel(visitor: Visitor) -> Pages:
    """What there is to see for somebody who belongs to the organization, found by its links."""
    found_outside = f"/d/{DOMAIN}/settings/repository/findings"
    visitor.open_until(found_outside, visitor.page.locator("main", has_text="old-intern"))
    checks = f"/d/{DOMAIN}/checks"
    if visitor.open(checks).get_by_role("button", name="Check all again").count():  # a viewer only reads
        visitor.press("Check all again")
    visitor.open_until(checks, visitor.page.locator(f"a[href='{checks}/line?line=delegation']"))
    shown: Pages = {
        "overview": "/",
        "organizations": "/o",
        "organization": "/o/1",
        "domains": "/domains",
        "domain": f"/d/{DOMAIN}",
        "domain not-connected": "/d/klein.example",
        "domain-requests": f"/d/{DOMAIN}/requests",
        "domain-checks": checks,
        "domain-checks empty": "/d/klein.example/checks",
        "domain-check-line": f"{checks}/line?line=delegation",
        "address guarded": f"/d/{DOMAIN}/addresses/sofia",
        "domain-requests empty": "/d/klein.example/requests",
        "domain-requests none-found": f"/d/{DOMAIN}/requests?q=nobody",
        "domain-invitations": f"/d/{DOMAIN}/requests/invitations",
        "domain-invitations empty": "/d/klein.example/requests/invitations",
        "domain-request-rules": f"/d/{DOMAIN}/settings/requests",
        "domain-roles": f"/d/{DOMAIN}/settings/people",
        "take-over": "/take-over",
        "domain-activity": f"/d/{DOMAIN}/activity",
        "domain-settings": f"/d/{DOMAIN}/settings",
        "stack": f"/d/{DOMAIN}/stack",
        "installation": f"/d/{DOMAIN}/stack/existing",
        "open-relay": f"/d/{DOMAIN}/stack/port-25",
        "stack running": f"/d/{STACKED}/stack",
        "installation running": f"/d/{STACKED}/stack/existing",
        "open-relay decided": f"/d/{STACKED}/stack/port-25",
        "stack-uptime": f"/d/{STACKED}/stack/uptime",
        "stack-letters": f"/d/{STACKED}/stack/letters",
        "domain-trash": f"/d/{DOMAIN}/trash",
        "domain-trash empty": "/d/klein.example/trash",
        "domain-settings not-connected": "/d/klein.example/settings",
        "repository": f"/d/{DOMAIN}/settings/repository",
        "findings": found_outside,
        "addresses": f"/d/{DOMAIN}/addresses",
        "addresses empty": "/d/klein.example/addresses",
        "addresses none-found": f"/d/{DOMAIN}/addresses?q=nobody",
        "addresses aliases": f"/d/{DOMAIN}/addresses?only=alias",
        "address": f"/d/{DOMAIN}/addresses/ada",
        "address alias": f"/d/{DOMAIN}/addresses/fair",
        "address-expiry": f"/d/{DOMAIN}/addresses/fair/expiry",
        "address-expiry none": f"/d/{DOMAIN}/addresses/ada/expiry",
        "domain-alias-rules": f"/d/{DOMAIN}/settings/aliases",
        "domain-alias-rules off": "/d/klein.example/settings/aliases",
        "domain-names": f"/d/{DOMAIN}/settings/names",
        "domain-names empty": "/d/klein.example/settings/names",
        "address in-trash": f"/d/{DOMAIN}/addresses/leaver",
        "address-history": f"/d/{DOMAIN}/addresses/leaver/history",
        "address-history none-found": f"/d/{DOMAIN}/addresses/leaver/history?actor=nobody",
        "organization-activity": "/o/1/activity",
        "address unconfirmed": f"/d/{DOMAIN}/addresses/team",
        "address off": f"/d/{DOMAIN}/addresses/babbage",
        "mail-program": f"/d/{DOMAIN}/addresses/ada/mail-program",
        "requests": "/requests",
        "runs": "/runs",
        "activity": "/activity",
        "search": "/search?q=ada",
        "account": "/account",
        "account-notices": "/account/notices",
        "notices": "/notices",
        "account-tokens": "/account/tokens",
        "account-delete": "/account/delete",
        "account-factors": "/account/second-factors",
        "account-sessions": "/account/sessions",
        "own-addresses": "/my",
    }
    for name, below in (("run", "/runs/"), ("request", "/requests/")):
        visitor.open(below.rstrip("/"))
        links = visitor.page.locator(f'main a[href^="{below}"]')
        found = [str(links.nth(index).get_attribute("href")) for index in range(links.count())]
        shown |= {f"{name} {path}": path for path in (found[0], found[-1])}
    letter = visitor.open(f"/d/{STACKED}/stack/letters").locator("main .list a").first
    shown["stack-letter"] = str(letter.get_attribute("href"))
    history = visitor.open(f"/d/{DOMAIN}/addresses/leaver/history").locator(".history > li .facts a")
    events = [str(history.nth(index).get_attribute("href")) for index in range(history.count())]
    shown |= {"event": events[0], "event changed-since": events[-1]}
    may_change = visitor.page.goto(f"{visitor.url}/domains/new").ok  # type: ignore[union-attr]
    shown |= pages_of_zones(visitor, DOMAIN, "klein.example", may_change=may_change)
    if may_change:
        shown |= _pages_of_changes(visitor)
    if visitor.page.goto(f"{visitor.url}/o/new").ok:  # type: ignore[union-attr]
        shown["organization-new"] = "/o/new"
        shown["host-firewall-rule"] = _rule_of_a_firewall(visitor)
    if visitor.page.goto(f"{visitor.url}/backups").ok:  # type: ignore[union-attr]
        shown["backups"] = "/backups"
    visitor.complaints.clear()  # what is forbidden complains in the console, by right
    return shown


def _pages_of_changes(visitor: Visitor) -> Pages:
    """Those of somebody who may change what is there."""
    shown: Pages = {
        "domain-new": "/domains/new",
        "stack-upgrade": f"/d/{STACKED}/stack/upgrade",
        "trash-days": f"/d/{DOMAIN}/settings/trash",
        "address-delete": f"/d/{DOMAIN}/addresses/leaver/delete",
        "repository-new": "/d/klein.example/settings/repository/new",
        "address-new": f"/d/{DOMAIN}/new-address",
        "host-new": "/hosts/new",
        "host-new tls": "/hosts/new?by=tls",
        "image-upload": "/images/upload",
        "image-fetch": "/images/fetch",
        "image-feeds": "/images/feeds",
        "webhooks": "/webhooks",
        "webhook-new": "/webhooks/new",
        "build-servers": "/images/build-servers",
        "domain-offer": f"/d/{DOMAIN}/settings/hand-over",
        "addresses-import": f"/d/{DOMAIN}/import",
        "organization-export": "/o/1/export",
        "organization-import": "/o/1/import",
        "alias-new": f"/d/{DOMAIN}/new-alias",
        "alias-deliveries": f"/d/{DOMAIN}/addresses/fair/delivers-to",
        "address-hand-over": f"/d/{DOMAIN}/addresses/grace/hand-over",
    }
    for path, name in (("/hosts", "unikernel-new"), ("/unikernels", "unikernel-change")):
        visitor.open(path)
        link = visitor.page.locator(f'main a[href^="{path}/"]:not([href$="/new"])').first
        shown[name] = f"{link.get_attribute('href')}/{'new-unikernel' if path == '/hosts' else 'change'}"
    shown["addresses-import-page"] = _look_at_a_table(visitor)
    shown["organization-import-page"] = _look_at_a_file(visitor)
    return shown
