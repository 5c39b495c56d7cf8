"""Public keys of what unikernels are given, against those that the articles and the real library printed."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from tenants.formats.roles.keys import new_seed, new_ssh_key, signer_key, ssh_public_line
from tenants.formats.roles.role import Era
from tenants.formats.text import FormatError

VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "vectors" / "keys-from-seeds.json"
KNOWN = json.loads(VECTORS.read_text(encoding="utf-8"))


def test_the_article_s_ed25519_pair() -> None:
    line = ssh_public_line("ed25519:AqKcLX40SblHbAeZ63FCDXJD3xOiRUmCRxzxQFThEf4=")
    assert line == "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF3PyCx3KPc84KGXpel9uMwwKailyUWnoLICjSZo37Y7"


def test_the_readme_s_rsa_pair() -> None:
    readme = KNOWN["readme_check"]
    assert ssh_public_line(f"rsa:{readme['seed_text']}") == readme["ssh_public"]


def test_a_signer_s_key_is_known_before_it_boots() -> None:
    known = KNOWN["keys"][0]
    for era in Era:
        assert signer_key(known["seed"], era) == known["dkim_p22_p23_p24_rsa2048"]


def test_new_keys_are_new_and_stay_out_of_sight() -> None:
    one, other = new_ssh_key("relay of example.org"), new_ssh_key("relay of example.org")
    assert one.argument != other.argument
    assert one.argument.removeprefix("ed25519:") not in repr(one)
    assert load_ssh_public_key(one.public.encode())
    assert ssh_public_line(one.argument) == one.public.removesuffix(" relay of example.org")
    assert len(base64.b64decode(new_seed())) == 32


@pytest.mark.parametrize("argument", ["", "ed25519:AAAA", "dsa:xyzzy", "rsa:a b"])
def test_what_is_no_key_is_refused_and_not_repeated(argument: str) -> None:
    with pytest.raises(FormatError) as refused:
        ssh_public_line(argument)
    assert refused.value.field == "--ssh-key"
    assert not argument or argument not in str(refused.value)
