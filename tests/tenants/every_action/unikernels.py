"""Images, where they come from, and unikernels."""

from __future__ import annotations

from tenants.actions import (
    host_adoption,
    image_feeds,
    image_fetches,
    image_sharing,
    images,
    unikernels,
)
from tests.hosting import WITH_DISK, upload
from tests.tenants.every_action.world import Rows

ROWS: Rows = {
    "add_build_server": ("P", lambda a, w: image_fetches.add_build_server(actor=a, name="b.example.org")),
    "remove_build_server": (
        "P",
        lambda a, w: image_fetches.remove_build_server(actor=a, server=w.build_server),
    ),
    "fetch_image": (
        "OP",
        lambda a, w: image_fetches.fetch_image(
            actor=a, organization=w.organization, url=f"https://{w.build_server}/new.hvt"
        ),
    ),
    "fetch_image_again": ("OP", lambda a, w: image_fetches.fetch_image_again(actor=a, fetch=w.fetch)),
    "add_feed": (
        "OP",
        lambda a, w: image_feeds.add_feed(
            actor=a, organization=w.organization, url=f"https://{w.build_server}/job/signer"
        ),
    ),
    "change_feed": ("OP", lambda a, w: image_feeds.change_feed(actor=a, feed=w.feed, era="2026")),
    "look_at_feed": ("OP", lambda a, w: image_feeds.look_at_feed(actor=a, feed=w.feed)),
    "take_build": ("OP", lambda a, w: image_feeds.take_build(actor=a, feed=w.feed, sha256=w.feed.sha256)),
    "ignore_build": ("OP", lambda a, w: image_feeds.ignore_build(actor=a, feed=w.feed, sha256=w.feed.sha256)),
    "remove_feed": ("OP", lambda a, w: image_feeds.remove_feed(actor=a, feed=w.feed)),
    "upload_image": ("OP", lambda a, w: upload(a, w.organization, WITH_DISK)),
    "change_image": ("OP", lambda a, w: images.change_image(actor=a, image=w.image, note="new")),
    "share_image": ("OP", lambda a, w: image_sharing.share_image(actor=a, image=w.image, shared=True)),
    "delete_image": ("OP", lambda a, w: images.delete_image(actor=a, image=w.bare_image)),
    "create_unikernel": (
        "OP",
        lambda a, w: unikernels.create_unikernel(actor=a, share=w.share, name="new", image=w.bare_image),
    ),
    "change_unikernel": (
        "OP",
        lambda a, w: unikernels.change_unikernel(actor=a, unikernel=w.unikernel, memory=48),
    ),
    "stop_unikernel": (
        "OMP",
        lambda a, w: unikernels.stop_unikernel(actor=a, unikernel=w.unikernel),
    ),
    "start_unikernel": (
        "OMP",
        lambda a, w: unikernels.start_unikernel(actor=a, unikernel=w.stopped),
    ),
    "answer_add_name": (
        "OP",
        lambda a, w: host_adoption.answer_add_name(actor=a, unikernel=w.unikernel, add_name=True),
    ),
    "delete_unikernel": ("OP", lambda a, w: unikernels.delete_unikernel(actor=a, unikernel=w.unikernel)),
}
