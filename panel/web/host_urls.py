"""Pages of hosts, of images, and of the unikernels that run them."""

from __future__ import annotations

from django.urls import path

from panel.web import (
    certificate_uses,
    consoles,
    firewalls,
    host_buttons,
    host_found,
    host_publics,
    hosts,
    image_feeds,
    image_fetches,
    image_list,
    images,
    preparations,
    unikernels,
    volumes,
)

_HOST = "hosts/<int:share_id>"
_UNIKERNEL = "unikernels/<int:unikernel_id>"

urlpatterns = [
    path("hosts", hosts.hosts, name="hosts"),
    path("hosts/new", hosts.host_new, name="host-new"),
    path(_HOST, hosts.host, name="host"),
    path(f"{_HOST}/pin", host_buttons.host_pin, name="host-pin"),
    path(f"{_HOST}/look", host_buttons.host_look, name="host-look"),
    path(f"{_HOST}/preview", host_buttons.host_preview, name="host-preview"),
    path(f"{_HOST}/found", host_found.host_found_decide, name="host-found-decide"),
    path(f"{_HOST}/drift", host_buttons.host_drift_mode, name="host-drift-mode"),
    path(f"{_HOST}/quota", host_buttons.host_quota, name="host-quota"),
    path(f"{_HOST}/networks/add", host_buttons.host_network_add, name="host-network-add"),
    path(
        f"{_HOST}/networks/<int:network_id>/remove",
        host_buttons.host_network_remove,
        name="host-network-remove",
    ),
    path(f"{_HOST}/public/add", host_publics.host_public_add, name="host-public-add"),
    path(
        f"{_HOST}/public/<int:public_id>/remove",
        host_publics.host_public_remove,
        name="host-public-remove",
    ),
    path(f"{_HOST}/volumes/add", host_buttons.host_volume_add, name="host-volume-add"),
    path(f"{_HOST}/volumes/<int:volume_id>", volumes.volume, name="host-volume"),
    path(f"{_HOST}/volumes/<int:volume_id>/delete", volumes.volume_delete, name="host-volume-delete"),
    path(f"{_HOST}/share", host_buttons.host_share, name="host-share"),
    path(f"{_HOST}/unshare", host_buttons.host_unshare, name="host-unshare"),
    path(f"{_HOST}/remove", host_buttons.host_remove, name="host-remove"),
    path(f"{_HOST}/prepare", preparations.host_prepare, name="host-prepare"),
    path(f"{_HOST}/prepare/do", preparations.host_prepare_do, name="host-prepare-do"),
    path(f"{_HOST}/firewall", firewalls.host_firewall, name="host-firewall"),
    path(f"{_HOST}/firewall/manage", firewalls.host_firewall_manage, name="host-firewall-manage"),
    path(f"{_HOST}/firewall/release", firewalls.host_firewall_release, name="host-firewall-release"),
    path(f"{_HOST}/firewall/isolate", firewalls.host_firewall_isolate, name="host-firewall-isolate"),
    path(f"{_HOST}/firewall/look", firewalls.host_firewall_look, name="host-firewall-look"),
    path(f"{_HOST}/firewall/preview", firewalls.host_firewall_preview, name="host-firewall-preview"),
    path(f"{_HOST}/firewall/drift", firewalls.host_firewall_drift, name="host-firewall-drift"),
    path(f"{_HOST}/firewall/helper", firewalls.host_firewall_helper, name="host-firewall-helper"),
    path(f"{_HOST}/firewall/rules/add", firewalls.host_firewall_rule_add, name="host-firewall-rule-add"),
    path(f"{_HOST}/firewall/rules/<int:rule_id>", firewalls.host_firewall_rule, name="host-firewall-rule"),
    path(
        f"{_HOST}/firewall/rules/<int:rule_id>/remove",
        firewalls.host_firewall_rule_remove,
        name="host-firewall-rule-remove",
    ),
    path(f"{_HOST}/new-unikernel", unikernels.unikernel_new, name="unikernel-new"),
    path("images", image_list.images, name="images"),
    path("images/upload", images.image_upload, name="image-upload"),
    path("images/fetch", image_fetches.image_fetch, name="image-fetch"),
    path("images/fetches/<int:fetch_id>", image_fetches.image_fetching, name="image-fetching"),
    path("images/fetches/<int:fetch_id>/again", image_fetches.image_fetch_again, name="image-fetch-again"),
    path("images/feeds", image_feeds.image_feeds, name="image-feeds"),
    path("images/feeds/<int:feed_id>", image_feeds.image_feed, name="image-feed"),
    path("images/feeds/<int:feed_id>/look", image_feeds.image_feed_look, name="image-feed-look"),
    path("images/feeds/<int:feed_id>/take", image_feeds.image_feed_take, name="image-feed-take"),
    path("images/feeds/<int:feed_id>/ignore", image_feeds.image_feed_ignore, name="image-feed-ignore"),
    path("images/feeds/<int:feed_id>/remove", image_feeds.image_feed_remove, name="image-feed-remove"),
    path("images/build-servers", image_fetches.build_servers, name="build-servers"),
    path(
        "images/build-servers/<int:build_server_id>/remove",
        image_fetches.build_server_remove,
        name="build-server-remove",
    ),
    path("images/<int:image_id>", images.image, name="image"),
    path("images/<int:image_id>/delete", images.image_delete, name="image-delete"),
    path("images/<int:image_id>/share", image_list.image_share, name="image-share"),
    path("unikernels", unikernels.unikernels, name="unikernels"),
    path(_UNIKERNEL, unikernels.unikernel, name="unikernel"),
    path(f"{_UNIKERNEL}/console", consoles.unikernel_console, name="unikernel-console"),
    path(
        f"{_UNIKERNEL}/console/lines", consoles.unikernel_console_fragment, name="unikernel-console-fragment"
    ),
    path(f"{_UNIKERNEL}/console/live", consoles.unikernel_console_live, name="unikernel-console-live"),
    path(f"{_UNIKERNEL}/console.txt", consoles.unikernel_console_text, name="unikernel-console-text"),
    path(f"{_UNIKERNEL}/load", consoles.unikernel_load, name="unikernel-load"),
    path(f"{_UNIKERNEL}/change", unikernels.unikernel_change, name="unikernel-change"),
    path(f"{_UNIKERNEL}/stop", unikernels.unikernel_stop, name="unikernel-stop"),
    path(f"{_UNIKERNEL}/start", unikernels.unikernel_start, name="unikernel-start"),
    path(f"{_UNIKERNEL}/name", host_found.unikernel_name, name="unikernel-name"),
    path(f"{_UNIKERNEL}/certificate", certificate_uses.certificate_link, name="certificate-link"),
    path(f"{_UNIKERNEL}/certificate/unlink", certificate_uses.certificate_unlink, name="certificate-unlink"),
    path(
        f"{_UNIKERNEL}/certificate/restart", certificate_uses.certificate_restart, name="certificate-restart"
    ),
    path(f"{_UNIKERNEL}/delete", unikernels.unikernel_delete, name="unikernel-delete"),
]
