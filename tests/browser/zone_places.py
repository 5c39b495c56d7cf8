"""The DNS of the lived-in panel: a zone with its mail records, keys and servers."""

from __future__ import annotations

from tests.browser.visitor import SLOW_MS, Visitor


def keep_dns_here(owner: Visitor, domain: str) -> None:
    """Connect the sandbox's zone repository, begin the zone of `domain`, and publish its mail records."""
    connect = owner.open(f"/d/{domain}/dns").get_by_role("link", name="Connect a zone repository")
    is_connected = not connect.count()  # by another test of the same product
    page = owner.open(f"/d/{domain}/dns/server/new")
    page.get_by_label("What you call it").fill("ns1")
    page.get_by_label("Its address").fill("127.0.0.77")  # nobody is there, and nobody is asked
    page.get_by_label("A key of it").fill("rookery.keys.example:SHA256:" + "QUJD" * 8)
    owner.press("Connect it")
    page.get_by_role("heading", name="Zones kept there").wait_for(timeout=SLOW_MS)
    if not is_connected:
        owner.open(f"/d/{domain}/dns/repository/new")
        owner.press("Connect it")
    owner.open_until(f"/d/{domain}/dns", page.get_by_text("Connected", exact=True))
    owner.press("Begin the zone of " + domain, role="link")
    owner.press("Begin it")
    page.get_by_text("is served as you asked").wait_for(timeout=2 * SLOW_MS)
    write(owner, domain, "A", "mail", "127.0.0.25")
    write(owner, domain, "MX", "@", "10 mail")
    owner.press("Review", role="link")
    owner.press("Apply")
    page.get_by_text("is served as you asked").wait_for(timeout=SLOW_MS)


def _its_page(visitor: Visitor, bare: str) -> str:
    """The page of the name server that takes dynamic updates."""
    link = visitor.open(f"/d/{bare}/dns").locator('main a[href*="/dns/server/"]:not([href$="/new"])').first
    return str(link.get_attribute("href"))


def write(owner: Visitor, domain: str, kind: str, name: str, records: str) -> None:
    """Write one record set; it waits for the review."""
    page = owner.open(f"/d/{domain}/dns/record?type={kind}")
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("textarea").fill(records)
    owner.press("Keep it for the review")


def pages_of_zones(visitor: Visitor, domain: str, bare: str, *, may_change: bool) -> dict[str, str]:
    """What there is to see; `bare` is a domain without a zone."""
    found = {
        "zone": f"/d/{domain}/dns",
        "zone start": f"/d/{bare}/dns",
        "zone-settings": f"/d/{domain}/dns/settings",
        "domain-registrar": f"/d/{domain}/dns/registrar",
        "domain-registrar empty": f"/d/{bare}/dns/registrar",
        "zone-keys": f"/d/{domain}/dns/keys",
        "zone-export": f"/d/{domain}/dns/export",
        "zone-history": f"/d/{domain}/dns/history",
        "record-set-history": f"/d/{domain}/dns/history/MX/{domain}",
        "zone-servers": f"/d/{domain}/dns/servers",
        "signing-keys": f"/d/{domain}/settings/signing-keys",
    }
    link = visitor.open(found["zone-settings"]).locator('main a[href*="/dns/repository/"]').first
    found["update-server"] = _its_page(visitor, bare)
    found["zone-repository"] = str(link.get_attribute("href"))
    git_host = visitor.open(found["zone-repository"]).locator('main a[href*="/git-host/"]').first
    found["git-host"] = str(git_host.get_attribute("href"))
    if may_change:
        found["stack-new"] = f"/d/{domain}/stack/new"
        found["zone-place"] = f"/d/{domain}/dns/place"
        found["update-server-new"] = f"/d/{bare}/dns/server/new"
        found["zone-end"] = f"/d/{domain}/dns/end"
        found["zone-mail"] = f"/d/{domain}/dns/mail"
        found["zone-import"] = f"/d/{domain}/dns/import"
        found["zone-new"] = f"/d/{bare}/dns/new"
        found["zone-repository-new"] = f"/d/{domain}/dns/repository/new"
        found["record-set-edit"] = f"/d/{domain}/dns/record?type=MX&owner={domain}"
        write(visitor, domain, "TXT", "@", "waits for the review")
        found["zone-review"] = f"/d/{domain}/dns/review"
    return found
