"""Hosts, images and unikernels."""

from __future__ import annotations

from django.urls import path

from panel.api.certificate_uses import CertificateUses
from panel.api.firewalls import FirewallRules, Firewalls
from panel.api.hosts import HostNetworks, Hosts, HostVolumes
from panel.api.image_feeds import ImageFeeds
from panel.api.image_fetches import ImageFetches
from panel.api.images import Images
from panel.api.preparations import HostPreparations
from panel.api.public_addresses import HostPublicAddresses
from panel.api.routes import READ_AND_MAKE, Routes
from panel.api.unikernels import HostUnikernels, Unikernels
from panel.api.watching import ConsoleLines, Exits, Samples

hosts: Routes = [
    path("", Hosts.as_view(READ_AND_MAKE), name="hosts"),
    path("<id:share_id>/", Hosts.as_view({"get": "retrieve", "delete": "destroy"}), name="host"),
    path("<id:share_id>/host-key/", Hosts.as_view({"post": "pin_host_key"}), name="host-pin"),
    path("<id:share_id>/quota/", Hosts.as_view({"patch": "change_quota"}), name="host-quota"),
    path("<id:share_id>/shares/", Hosts.as_view({"post": "share_host"}), name="host-shares"),
    path("<id:share_id>/unshare/", Hosts.as_view({"post": "unshare_host"}), name="host-unshare"),
    path("<id:share_id>/networks/", HostNetworks.as_view(READ_AND_MAKE), name="host-networks"),
    path(
        "<id:share_id>/networks/<id:network_id>/",
        HostNetworks.as_view({"delete": "destroy"}),
        name="host-network",
    ),
    path(
        "<id:share_id>/public-addresses/",
        HostPublicAddresses.as_view(READ_AND_MAKE),
        name="host-public-addresses",
    ),
    path(
        "<id:share_id>/public-addresses/<id:public_id>/",
        HostPublicAddresses.as_view({"delete": "destroy"}),
        name="host-public-address",
    ),
    path("<id:share_id>/volumes/", HostVolumes.as_view(READ_AND_MAKE), name="host-volumes"),
    path(
        "<id:share_id>/volumes/<id:volume_id>/",
        HostVolumes.as_view({"delete": "destroy"}),
        name="host-volume",
    ),
    path(
        "<id:share_id>/preparation/",
        HostPreparations.as_view({"get": "retrieve"}),
        name="host-preparation",
    ),
    path(
        "<id:share_id>/preparation/look/",
        HostPreparations.as_view({"post": "look_at_preparation"}),
        name="host-preparation-look",
    ),
    path(
        "<id:share_id>/preparation/prepare/",
        HostPreparations.as_view({"post": "prepare_host"}),
        name="host-preparation-prepare",
    ),
    path(
        "<id:share_id>/firewall/",
        Firewalls.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="host-firewall",
    ),
    path(
        "<id:share_id>/firewall/manage/",
        Firewalls.as_view({"post": "manage_firewall"}),
        name="host-firewall-manage",
    ),
    path(
        "<id:share_id>/firewall/release/",
        Firewalls.as_view({"post": "release_firewall"}),
        name="host-firewall-release",
    ),
    path("<id:share_id>/firewall/rules/", FirewallRules.as_view(READ_AND_MAKE), name="host-firewall-rules"),
    path(
        "<id:share_id>/firewall/rules/<id:rule_id>/",
        FirewallRules.as_view({"put": "update", "delete": "destroy"}),
        name="host-firewall-rule",
    ),
    path("<id:share_id>/unikernels/", HostUnikernels.as_view({"post": "create"}), name="host-unikernels"),
]

images: Routes = [
    path("", Images.as_view(READ_AND_MAKE), name="images"),
    path(
        "<id:image_id>/",
        Images.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="image",
    ),
    path("<id:image_id>/shared/", Images.as_view({"put": "share_image"}), name="image-shared"),
]

image_fetches: Routes = [
    path("", ImageFetches.as_view(READ_AND_MAKE), name="image-fetches"),
    path("<id:fetch_id>/", ImageFetches.as_view({"get": "retrieve"}), name="image-fetch"),
    path(
        "<id:fetch_id>/again/", ImageFetches.as_view({"post": "fetch_image_again"}), name="image-fetch-again"
    ),
]

image_feeds: Routes = [
    path("", ImageFeeds.as_view(READ_AND_MAKE), name="image-feeds"),
    path(
        "<id:feed_id>/",
        ImageFeeds.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="image-feed",
    ),
    path("<id:feed_id>/look/", ImageFeeds.as_view({"post": "look_at_feed"}), name="image-feed-look"),
    path("<id:feed_id>/take/", ImageFeeds.as_view({"post": "take_build"}), name="image-feed-take"),
    path("<id:feed_id>/ignore/", ImageFeeds.as_view({"post": "ignore_build"}), name="image-feed-ignore"),
]

unikernels: Routes = [
    path("", Unikernels.as_view({"get": "list"}), name="unikernels"),
    path(
        "<id:unikernel_id>/",
        Unikernels.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="unikernel",
    ),
    path("<id:unikernel_id>/start/", Unikernels.as_view({"post": "start_unikernel"}), name="unikernel-start"),
    path(
        "<id:unikernel_id>/add-name/",
        Unikernels.as_view({"post": "answer_add_name"}),
        name="unikernel-add-name",
    ),
    path(
        "<id:unikernel_id>/certificate/",
        CertificateUses.as_view({"get": "retrieve", "put": "link_certificate", "delete": "destroy"}),
        name="certificate-use",
    ),
    path(
        "<id:unikernel_id>/certificate/restart/",
        CertificateUses.as_view({"post": "restart_for_certificate"}),
        name="certificate-restart",
    ),
    path("<id:unikernel_id>/stop/", Unikernels.as_view({"post": "stop_unikernel"}), name="unikernel-stop"),
    path("<id:unikernel_id>/console/", ConsoleLines.as_view({"get": "list"}), name="unikernel-console"),
    path("<id:unikernel_id>/samples/", Samples.as_view({"get": "list"}), name="unikernel-samples"),
    path("<id:unikernel_id>/exits/", Exits.as_view({"get": "list"}), name="unikernel-exits"),
]
