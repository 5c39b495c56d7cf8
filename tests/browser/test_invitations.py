"""An invitation from the owner's form to a working address, and a decision by the link in a mail."""

from __future__ import annotations

import hashlib

import pytest
from playwright.sync_api import StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.places import OWNER
from tests.browser.test_decisions import DOMAIN, ask_with_a_hash
from tests.browser.visitor import SLOW_MS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_an_invitation_leads_to_an_address_that_works(administrator: StorageState, visit: Visit) -> None:
    owner, guest = visit(storage_state=administrator), visit()
    page = owner.open(f"/d/{DOMAIN}/requests/invitations")
    page.get_by_label("Whom it is for").fill("Katherine")
    page.get_by_label("Mail the link to").fill("katherine@orbit.example")
    page.get_by_label("The address").fill("katherine")
    page.get_by_label("I say yes beforehand").check()
    owner.press("Make the invitation")
    owner.says("The invitation of Katherine is ready")
    link = page.locator("#invitation-link").inner_text()

    guest.read_mail("katherine@orbit.example", f"An invitation to katherine@{DOMAIN}")
    guest.follow_link_in_mail("/invited/")
    assert guest.page.url == link
    guest.says(f"You are invited to katherine@{DOMAIN}")
    guest.page.get_by_label("Where your mail should go").fill("katherine@orbit.example")
    guest.page.get_by_role("button", name="Paste a hash").click()
    digest = hashlib.blake2b(b"friendship-seven-came-down-safely").hexdigest()
    guest.page.get_by_label("Fingerprint of your passphrase").fill(digest)
    guest.press("Ask for this address")
    following = guest.page.url
    guest.read_mail("katherine@orbit.example", f"Do you want katherine@{DOMAIN}?")
    guest.follow_link_in_mail("/asked/confirm/")
    guest.press("Confirm that I asked")
    guest.says(f"katherine@{DOMAIN} is yours")
    guest.page.goto(following)
    expect(guest.page.locator("#parcel-now")).to_contain_text("and it works", timeout=SLOW_MS)
    expect(guest.page.locator("#parcel")).to_contain_text("said yes beforehand")

    # The link is used up; the owner sees that.
    guest.page.goto(link)
    guest.says("This invitation does not work")
    guest.complaints.clear()  # the answer is 404
    page = owner.open(f"/d/{DOMAIN}/requests/invitations")
    used = page.locator("li.card-head").filter(has=page.get_by_text("Katherine", exact=True))
    expect(used).to_contain_text("Used up")
    expect(used).to_contain_text("1 of 1 use")


def test_a_request_is_decided_by_the_link_in_a_mail(visit: Visit, administrator: StorageState) -> None:
    decider, stranger = visit(), visit()
    ask_with_a_hash(stranger, "rosalind", "rosalind@helix.example", "photograph-fifty-one")
    expect(stranger.page.locator("#parcel-now")).to_contain_text("waits for the decision")
    decider.read_mail(OWNER, f"rosalind@helix.example asks for rosalind@{DOMAIN}")
    decider.follow_link_in_mail("/decide/")
    link = decider.page.url
    decider.says(f"Shall rosalind@helix.example get rosalind@{DOMAIN}?")
    # Without a reason nothing is refused, and the link stays.
    decider.page.get_by_text("Refuse it, with a reason").click()
    decider.press("Refuse and send the reason")
    expect(decider.page.locator("#refuse .errorlist")).to_contain_text("reason")
    decider.complaints.clear()  # the answer is 400
    decider.press(f"Approve rosalind@{DOMAIN}")
    decider.says(f"rosalind@{DOMAIN} was approved")
    # It signed nobody in, and works once.
    decider.page.goto(f"{decider.url}/requests")
    decider.says("Sign in")
    decider.page.goto(link)
    decider.says("This link decides nothing any more")
    decider.complaints.clear()  # the answer is 404
    expect(stranger.page.locator("#parcel-now")).to_contain_text(
        f"rosalind@{DOMAIN} is yours", timeout=SLOW_MS
    )
    activity = visit(storage_state=administrator).open(f"/d/{DOMAIN}/activity")
    expect(activity.get_by_role("main")).to_contain_text("by a link in a mail")
