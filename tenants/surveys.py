"""The picture of an existing installation, out of what workers read and what Rookery knows around it."""

from __future__ import annotations

from tenants.actor import Actor
from tenants.formats.existing.guess import KnownImage
from tenants.formats.existing.own import own_rules
from tenants.formats.existing.painting import paint
from tenants.formats.existing.picture import Bridge, Picture, Seen
from tenants.formats.existing.removing import removal_lines
from tenants.formats.existing.seen import SeenHost, SeenRules, SeenUsers, SeenZone, load
from tenants.image_roles import IMAGE_ROLES
from tenants.models import Image, Stack, Survey, SurveyLook
from tenants.stack_wishes import relay_of, zone_of

_MOST_IMAGES = 1000
_ROLES = {str(theirs): role for role, theirs in IMAGE_ROLES.items()}


def picture_of(actor: Actor, survey: Survey) -> Picture:
    """Explain everything that was read so far."""
    return paint(seen_of(actor, survey))


def seen_of(actor: Actor, survey: Survey) -> Seen:
    """Everything that was read so far. Who is no operator sees rules about his own addresses only."""
    looks = {row.place: row.seen for row in survey.looks.all()}
    place, share = SurveyLook.Place, survey.share
    networks = list(share.networks.order_by("bridge"))
    publics = tuple(share.public_addresses.order_by("pk").values_list("address", flat=True))
    host = load(SeenHost, looks[place.HOST]) if place.HOST in looks else None
    rules = load(SeenRules, looks[place.RULES]) if place.RULES in looks else None
    if rules is not None and not actor.is_operator:
        rules = own_rules(rules, [each.subnet for each in networks], publics)
    return Seen(
        domain=survey.domain.name,
        host=host,
        rules=rules,
        users=load(SeenUsers, looks[place.USERS]) if place.USERS in looks else None,
        zone=load(SeenZone, looks[place.ZONE]) if place.ZONE in looks else None,
        images=_images(survey, host),
        publics=publics,
        bridges=tuple(Bridge(each.bridge, each.subnet, each.gateway) for each in networks),
        remotes=_remotes(survey),
    )


def _images(survey: Survey, host: SeenHost | None) -> dict[str, KnownImage]:
    digests = {each.digest for each in host.unikernels} if host is not None else set()
    rows = Image.objects.filter(organization=survey.domain.organization_id, sha256__in=digests)
    return {
        row.sha256: KnownImage(_ROLES.get(row.role, ""), row.era)
        for row in rows[:_MOST_IMAGES]
        if row.role in _ROLES
    }


def _remotes(survey: Survey) -> dict[str, tuple[str, str]]:
    relay, zone = relay_of(survey.domain), zone_of(survey.domain)
    zones = zone.target.repository if zone is not None else None
    found = {"users": relay, "zones": zones}
    return {use: (row.path, row.branch) for use, row in found.items() if row is not None}


def lines_of_others(seen: Seen, picture: Picture, stack: Stack) -> tuple[str, ...]:
    """Shell lines that take out what leads to a stack besides Rookery's own rules, once those are wished.

    What leads port 25 to a receiver stays while nobody decided that Rookery's rules do so.
    """
    if stack.firewall != Stack.Firewall.OPEN or stack.release is None or seen.rules is None:
        return ()
    labels = dict(stack.release.labels)
    if not stack.open_relay:
        labels.pop("verifier", None)
    return removal_lines(picture, seen.rules, set(labels.values()))
