"""Installations of others: who may have them read, what is lacking, and the stack that one becomes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tenants.actions import readers, stack_adoption, surveys
from tenants.actions.adoption_blueprints import Adoption, preview_adoption
from tenants.actor import Actor
from tenants.dryrun import rehearsal
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.formats.roles.catalogue import ROLES
from tenants.models import (
    Domain,
    Firewall,
    Repository,
    RepositoryReader,
    Stack,
    StackSecret,
    Survey,
    SyncTarget,
    Unikernel,
)
from tenants.survey_places import targets_of, why_not_read
from tests.contract.host_world import own_images
from tests.existing.installations import ARTICLE, SECRETS
from tests.hosting import NETWORKED, upload
from tests.stacking import Site, build_site
from tests.surveying import saw_the_article, survey, take_over_the_article

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
PAGE = "/d/example.org/stack/existing"


@pytest.fixture
def site(settings: Any, tmp_path: Path, alice: Actor, domain: Domain) -> Site:
    own_images(settings, tmp_path)
    return build_site(alice, domain)


@pytest.fixture
def preview(site: Site) -> Callable[..., Adoption]:
    """Of what stands at the end of the articles, read and taken over."""
    image = upload(Actor.rookery(), site.domain.organization, NETWORKED, name="found")
    take_over_the_article(site.domain, site.choices.share, site.choices.network, image)
    saw_the_article(survey(site.domain, site.choices.share), image, ours=True)

    def made(**given: Any) -> Adoption:
        return preview_adoption(actor=site.owner, domain=site.domain, public=site.choices.public, **given)

    return made


def test_a_look_makes_a_firewall_for_operators_only(site: Site, olga: Actor, bob: Actor) -> None:
    Firewall.objects.all().delete()
    share = site.choices.share
    row = surveys.look_at_installation(actor=site.owner, domain=site.domain, share=share)
    [rules] = [each for each in targets_of(row) if each.place == "rules"]
    assert "An operator of this Rookery lets it" in why_not_read(rules)
    with pytest.raises(Forbidden):
        surveys.look_at_installation(actor=bob, domain=site.domain, share=share)
    surveys.look_at_installation(actor=olga, domain=site.domain, share=share)
    assert Firewall.objects.get().sync_target.drift_mode == "report"
    assert Survey.objects.count() == 1


def test_another_organizations_part_is_absent(site: Site, charlie: Actor) -> None:
    with pytest.raises(Absent):
        surveys.look_at_installation(actor=charlie, domain=site.domain, share=site.choices.share)


def test_what_was_not_taken_over_is_lacking(site: Site) -> None:
    image = upload(Actor.rookery(), site.domain.organization, NETWORKED, name="found")
    saw_the_article(survey(site.domain, site.choices.share), image, list(ARTICLE)[1:], ours=False)
    found = preview_adoption(actor=site.owner, domain=site.domain, public=site.choices.public)
    fields = [each.field for each in found.lacking]
    assert sorted(fields) == sorted(ROLES)
    assert "Nothing that was found is a DNS resolver" in str(found.lacking[fields.index("resolver")])
    assert f"signer, the {ROLES['signer'].title}, is not Rookery's yet" in str(
        found.lacking[fields.index("signer")]
    )
    with pytest.raises(Invalid):
        stack_adoption.adopt_stack(
            actor=site.owner, domain=site.domain, public=site.choices.public, plan=found.digest
        )


def test_it_becomes_a_stack_as_it_runs(site: Site, preview: Callable[..., Adoption]) -> None:
    plan = preview()
    assert plan.lacking == ()
    before = {row.name: (row.generation, row.image_id) for row in Unikernel.objects.all()}
    host = site.machine.target.generation
    with pytest.raises(Conflict, match="something else by now"):
        stack_adoption.adopt_stack(
            actor=site.owner, domain=site.domain, public=site.choices.public, plan="0" * 64
        )
    stack = stack_adoption.adopt_stack(
        actor=site.owner, domain=site.domain, public=site.choices.public, plan=plan.digest
    )
    assert (stack.firewall, stack.submission_host, stack.selector, stack.production, stack.open_relay) == (
        "others",
        "smtp.example.org",
        "s1",
        True,
        False,
    )
    assert set(stack.phases.values_list("state", flat=True)) == {"proved"}
    assert {row.name: (row.generation, row.image_id) for row in Unikernel.objects.all()} == before
    assert site.machine.target.generation == host
    signer = Unikernel.objects.get(name="signer")
    assert "--private-key={secret:dkim-seed}" in signer.arguments
    assert set(signer.secrets.values_list("name", flat=True)) == {"dkim-seed", "dns-key"}
    kept = set(StackSecret.objects.values_list("holder", "name"))
    assert {("users", "ssh-key"), ("zones", "ssh-key"), ("verifier", "key-seed")} <= kept
    assert stack.release is not None
    assert not [secret for secret in SECRETS if secret in str(stack.release.parts)]
    with pytest.raises(Conflict, match="has a mail stack already"):
        preview()


def test_it_holds_rows_in_the_order_of_all_actions(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make_stack` holds the domain before the host, too: each would wait for the other."""
    held: list[str] = []
    monkeypatch.setattr(stack_adoption, "lock", lambda row: held.append(type(row).__name__))
    survey(site.domain, site.choices.share)
    with pytest.raises(Invalid):
        stack_adoption.adopt_stack(
            actor=site.owner, domain=site.domain, public=site.choices.public, plan="0" * 64
        )
    assert held == ["Domain", "Host", "HostShare"]


def test_who_reads_the_users_repository_is_linked_where_that_is_certain(
    site: Site, preview: Callable[..., Adoption]
) -> None:
    relay = Repository.objects.get(kind="relay")
    SyncTarget.objects.filter(repository=relay).update(proof={"commit": "c0ffee"})
    adopt: dict[str, Any] = {"actor": site.owner, "domain": site.domain, "public": site.choices.public}
    with rehearsal():
        # They read users.git, and that one is not connected.
        stack_adoption.adopt_stack(**adopt, plan=preview().digest)
        assert not RepositoryReader.objects.exists()
    Repository.objects.filter(pk=relay.pk).update(path="users.git", branch="master")
    with rehearsal():
        row = Unikernel.objects.get(name="relay")
        readers.link_reader(actor=site.owner, repository=relay, unikernel=row, role="relay")
        stack_adoption.adopt_stack(**adopt, plan=preview().digest)
        assert set(RepositoryReader.objects.values_list("role", "read_commit")) == {
            ("relay", ""),
            ("submission", "c0ffee"),
        }
    stack_adoption.adopt_stack(**adopt, plan=preview().digest)
    found = RepositoryReader.objects.values_list("unikernel__name", "role", "read_commit")
    assert set(found) == {("relay", "relay", "c0ffee"), ("submission", "submission", "c0ffee")}
    assert not any(row.is_waiting for row in RepositoryReader.objects.all())


def test_the_page_leads_from_the_look_to_the_rules(
    site: Site, client: Client, preview: Callable[..., Adoption]
) -> None:
    assert site.owner.account is not None
    client.force_login(site.owner.account)
    page = client.get(PAGE).content.decode()
    assert f"Only a {ROLES['signer'].title} takes exactly these arguments" in page
    assert "Not read yet" in page, "nobody read the zone"
    digest = page.partition('name="plan" value="')[2].partition('"')[0]
    made = client.post(PAGE, {"public": str(site.choices.public.pk), "plan": digest})
    assert made.headers["Location"] == "/d/example.org/stack"
    assert "Let Rookery write the rules" in client.get(PAGE).content.decode()
    client.post(f"{PAGE}/do", {"do": "rules"})
    stack = Stack.objects.get()
    assert stack.firewall == "open"
    assert set(stack.phases.filter(state="pending").values_list("name", flat=True)) == {"firewall", "open"}
    page = client.get(PAGE).content.decode()
    assert "iptables -t nat -D SUBMISSION" in page
    assert "iptables -t nat -D SMTP" not in page, "about port 25 somebody decides first"


def test_a_name_with_a_dot_is_told_with_the_way_on(site: Site, client: Client) -> None:
    assert site.owner.account is not None
    client.force_login(site.owner.account)
    row = survey(site.domain, site.choices.share)
    image = next(iter(site.choices.images.values()))
    saw_the_article(row, image, ours=False)
    look = row.looks.get(place="host")
    look.seen["unikernels"][0]["label"] = "dns-resolver.0f3a"
    look.seen["unikernels"][0]["why_not"] = "Rookery's names have small letters, digits and hyphens only."
    look.save()
    page = client.get(PAGE).content.decode()
    assert "Make a new release" in page
    assert "small letters, digits and hyphens only" in page
