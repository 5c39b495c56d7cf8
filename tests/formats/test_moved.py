"""Addresses from PostfixAdmin and docker-mailserver."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenants.formats.address_files import read_addresses
from tenants.formats.address_rows import Wish
from tenants.formats.moved.found import scheme_of
from tenants.formats.moved.sql_dump import is_dump, read_dump
from tenants.formats.text import FormatError

HASH = "$6$rounds=5000$saltsaltsalt$veryverysecret"

MYSQLDUMP = rf"""-- MySQL dump 10.13  Distrib 8.0.31, for Linux (x86_64)
/*!40101 SET NAMES utf8 */;
DROP TABLE IF EXISTS `alias`;
CREATE TABLE `alias` (
  `address` varchar(255) CHARACTER SET latin1 NOT NULL,
  `goto` text NOT NULL,
  `domain` varchar(255) NOT NULL DEFAULT ',',
  `created` datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  `modified` datetime NOT NULL,
  `active` tinyint(1) NOT NULL DEFAULT '1',
  PRIMARY KEY (`address`),
  KEY `domain` (`domain`)
) ENGINE=InnoDB COMMENT='Postfix Admin - Virtual Aliases';
LOCK TABLES `alias` WRITE;
INSERT INTO `alias` VALUES
  ('ada@example.org','ada@example.org,ada@home.example','example.org','2020-01-01','',1),
  ('sales@example.org','ada@example.org,ben@example.org,Out@Else.example','example.org','','',1),
  ('@example.org','ada@example.org','example.org','','',1),
  ('gone@example.org','x@home.example','example.org','','',0),
  ('eve@klein.example','x@home.example','klein.example','','',1);
UNLOCK TABLES;
INSERT INTO `alias_domain` (`alias_domain`, target_domain, active) VALUES ('old.example','example.org',1);
INSERT INTO `log` VALUES ('x','INSERT INTO `mailbox` VALUES (1);',NULL);
INSERT INTO `mailbox` (`username`,`password`,`name`,`maildir`,`quota`,`local_part`,
  `domain`,`active`) VALUES ('ada@example.org','{HASH}','Ada O\'Hara','m',1073741824,'ada','example.org',1),
('ben@example.org','{{CRAM-MD5}}secret','Ben','m',0,'ben','example.org',1);
"""  # noqa: S608 - nothing runs it


def wishes(text: str, domain: str = "example.org") -> dict[str, Wish]:
    unit, found = read_addresses(text.encode(), domain=domain)
    assert unit in ("line", "row")
    assert len({each.place for each in found}) == len(found)
    return {each.shown: each for each in found}


def test_a_dump_of_mysql() -> None:
    found = wishes(MYSQLDUMP)
    assert list(found) == [
        "ada@example.org",
        "sales@example.org",
        "@example.org",
        "gone@example.org",
        "@klein.example",
        "@old.example",
        "ben@example.org",
    ]
    ada = found["ada@example.org"]
    assert (ada.local_part, ada.values) == ("ada", {"targets": ("ada@home.example",), "note": "Ada O'Hara"})
    assert "as SHA512-CRYPT, and ptt can check BLAKE2b only" in ada.remarks[0]
    assert "new mail goes only to those named here" in ada.remarks[1]
    assert "quota of 1,024 MiB" in ada.remarks[2]
    sales = found["sales@example.org"]
    assert sales.value("targets") == ("ada@home.example", "Out@Else.example")
    assert "sends mail on to ada, ben, of this domain" in sales.remarks[0]
    assert "not what is kept there" in sales.remarks[0]
    ben = found["ben@example.org"]
    assert ben.value("targets") is None
    assert "nobody gets its mail yet" in ben.remarks[1]
    assert found["gone@example.org"].value("enabled") is False
    assert "no such thing" in found["@example.org"].problems[0].problem
    assert "1 address is of klein.example, from row 5 on" in found["@klein.example"].problems[0].problem
    assert "stands for example.org" in found["@old.example"].problems[0].problem
    assert "secret" not in repr(found) + repr([each.values for each in found.values()])


def test_other_ways_to_write_a_dump() -> None:
    """PostfixAdmin's own backup (no semicolon behind a table), pg_dump, SQLite."""
    backup = (
        "#\n# Postfix Admin 3.3.11\n#\nCREATE TABLE `alias` (\n `address` varchar(255),\n `goto` text)"
        "CREATE TABLE `mailbox` (`username` varchar(255))"
        "INSERT INTO alias (address,goto,active) VALUES ('a@example.org','a@home.example\\'s','1');\n"
    )
    assert wishes(backup)["a@example.org"].value("targets") == ("a@home.example's",)
    copied = (
        "--\n-- PostgreSQL database dump\n--\nCOPY public.alias (address, goto, active) FROM stdin;\n"
        "a@example.org\ta@home.example,b@home.example\tf\nb@example.org\t\\N\tt\n\\.\n"
        "COPY public.log (data) FROM stdin;\nINSERT INTO alias VALUES (1);\n\\.\n"
        "INSERT INTO public.mailbox (username, name, active) VALUES ('c@example.org', 'back\\', true);\n"
    )
    found = wishes(copied)
    assert found["a@example.org"].value("targets") == ("a@home.example", "b@home.example")
    assert found["a@example.org"].value("enabled") is False
    assert found["c@example.org"].value("note") == "back\\"
    lite = (
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE mail_alias (address TEXT, goto TEXT);\n"
        "INSERT INTO mail_alias VALUES('a@example.org','it''s@home.example');\n"
    )
    assert wishes(lite)["a@example.org"].value("targets") == ("it's@home.example",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("INSERT INTO alias VALUES ('a');", "Line 1: The columns of alias"),
        ("-- x\nINSERT INTO alias (address) VALUES ('a", "Line 2: A quotation mark"),
        ("INSERT INTO alias (address)\nVALUES (now());", "“now” is no plain value"),
        ("INSERT INTO alias (address) VALUES ('a','b');", "has 2 values, the table 1"),
        ("INSERT INTO alias (address) SELECT 1;", "no VALUES follow"),
        ("INSERT INTO other VALUES (1);", "There is no address"),
    ],
)
def test_a_dump_that_is_none(text: str, problem: str) -> None:
    with pytest.raises(FormatError) as refusal:
        read_addresses(text.encode(), domain="example.org")
    assert refusal.value.field == "file"
    assert problem in refusal.value.problem


def test_csv_of_its_tables_and_lists() -> None:
    columns = "username,password,name,maildir,quota,local_part,domain,active"
    mailbox = f"{columns}\nada@example.org,{HASH},Ada,m,0,ada,example.org,0\n"
    ada = wishes(mailbox)["ada@example.org"]
    assert ada.values == {"targets": None, "note": "Ada", "enabled": False}
    listed = (
        '\ufeff\nAlias,To,Last modified,Active\nsales@example.org,"a@home.example,b@home.example",2020,YES\n'
    )
    assert wishes(listed)["sales@example.org"].value("targets") == ("a@home.example", "b@home.example")
    ours = "address,goto,active\nada,a@home.example,no\n"
    assert wishes(ours)["ada"].values == {"targets": ("a@home.example",), "enabled": False}


def test_files_of_docker_mailserver() -> None:
    found = wishes(
        f"# accounts\nAda@example.org|{{SHA512-CRYPT}}{HASH}|x=y\nben@klein.example|{{PLAIN}}secret\n\n"
        "sales@example.org ada@example.org, out@home.example\n@example.org ada@example.org\n"
        "/^x/ ada@example.org\nroot ada@example.org\nada@example.org:5G\n"
    )
    ada = found["ada@example.org"]
    assert (ada.place, ada.local_part, ada.value("targets")) == (2, "ada", None)
    assert "SHA512-CRYPT" in ada.remarks[0]
    assert "quota of 5G" in ada.remarks[-1]
    assert found["sales@example.org"].value("targets") == ("out@home.example",)
    assert [name for name, each in found.items() if each.problems] == [
        "@klein.example",
        "@example.org",
        "/^x/ ada@example.org",
        "root",
    ]
    assert "secret" not in repr(found)
    assert list(wishes("sales@example.org a@home.example\n")) == ["sales@example.org"]
    with pytest.raises(FormatError, match="Line 2 is no line of"):
        wishes(f"ada@example.org|{HASH}\nhunter2\n")


def test_absence_notices_and_chains_and_circles() -> None:
    found = wishes(
        "a@example.org b@example.org a#example.org@autoreply.example.org\n"
        "b@example.org a@example.org c@example.org lost@example.org\nc@example.org c@home.example\n"
    )
    assert found["a@example.org"].value("targets") == ("c@home.example", "lost@example.org")
    assert "notice of absence" in found["a@example.org"].remarks[1]
    chain = "".join(f"n{i}@example.org n{i + 1}@example.org\n" for i in range(450))
    first = wishes(chain)["n0@example.org"]
    assert first.problems[0].field == "targets"


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ("{ARGON2ID}$x", "ARGON2ID"),
        ("$2y$x", "BLF-CRYPT"),
        ("$1$x", "MD5-CRYPT"),
        ("hunter2", "another kind of hash"),
    ],
)
def test_schemes_are_named_and_nothing_more(stored: str, name: str) -> None:
    assert scheme_of(stored) == name


CELL = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5), st.booleans())
def test_what_a_database_wrote_is_read(rows: list[tuple[str | None, str | None]], backslashes: bool) -> None:
    def written(cell: str | None) -> str:
        if cell is None:
            return "NULL"
        if backslashes:
            return "'" + cell.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
        return "'" + cell.replace("'", "''") + "'"

    lines = ",\n".join(f"({written(one)},{written(other)})" for one, other in rows)
    begin = "-- MySQL dump\n" if backslashes else "-- PostgreSQL database dump\n"
    text = f"{begin}INSERT INTO `alias` (address, goto) VALUES {lines};\n"  # noqa: S608 - nothing runs it
    assert is_dump(text)
    assert [tuple(row.cells.values()) for row in read_dump(text, ("alias",))] == rows


@given(
    st.sampled_from(
        [
            "INSERT INTO alias (address) VALUES (",
            "CREATE TABLE alias (",
            "COPY alias (address) FROM",
            "a@b|",
            "a@b c@d\n",
        ]
    ),
    st.text(st.characters(codec="utf-8"), max_size=200),
)
@example("INSERT INTO alias (address) VALUES (", "'a'),('b'")
def test_any_text_gives_wishes_or_a_refusal(begin: str, text: str) -> None:
    refusal = None
    try:
        _, found = read_addresses(f"{begin}{text}".encode(), domain="example.org")
        assert len({each.place for each in found}) == len(found)
    except FormatError as error:
        refusal = error
    assert refusal is None or (refusal.problem and refusal.fix)
