"""Seed packs: the shipped ones are what they say, and a broken one is named file by file."""

import email
import email.policy
import re
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from textwrap import dedent

import pytest

import tpmailserver
from tpmailserver.admin.desk import Desk, NotDone
from tpmailserver.admin.pack_checks import check_folder, check_packs
from tpmailserver.admin.packs import Pack, find_pack, usable_pack
from tpmailserver.admin.seeds import packs
from tpmailserver.admin.templates import Occasion, Student, parse
from tpmailserver.settings import Settings

from .desks import desk_at

SHIPPED = Path(tpmailserver.__file__).parent / "seeds"
LANGUAGES = ("en", "fr")
NAMES = ("big", "forged", "mime", "subjects", "welcome")

ALICE = Student("22000001", "tp1", "22000002")


def mails(pack: Pack) -> dict[str, bytes]:
    """The mails of a pack as Alice would get them, without the server's stamps."""
    date = "Mon, 23 Nov 2026 20:09:24 +0000"
    return {
        mail.file: mail.content.fill(ALICE, Occasion("p", mail.file, n, "d.example", date, "1.x"))
        for n, mail in enumerate(pack.mails, start=1)
    }


def shipped(tmp_path: Path, language: str, name: str) -> dict[str, bytes]:
    return mails(usable_pack(desk_at(tmp_path, Settings(language=language)), name))


def parsed(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def write_pack(desk: Desk, name: str, **files: bytes) -> Path:
    """A pack of the site's own; `a_eml=b"..."` is the file `a.eml`."""
    folder = desk.folder / "seeds" / name
    folder.mkdir(parents=True)
    for file, octets in files.items():
        stem, _, suffix = file.rpartition("_")
        (folder / f"{stem}.{suffix}").write_bytes(octets)
    return folder


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shipped_packs_have_nothing_that_a_mail_program_stumbles_over(
    tmp_path: Path, language: str
) -> None:
    desk = desk_at(tmp_path, Settings(language=language))
    checked = check_packs(desk).packs
    assert tuple(each.name for each in checked) == NAMES
    assert [(each.faults, each.remarks) for each in checked] == [((), ())] * len(NAMES)
    listed = packs(desk)
    assert all(each.is_shipped and each.teaches and not each.faults for each in listed.packs)
    assert len({each.teaches for each in listed.packs}) == len(NAMES)


def test_both_languages_have_the_same_packs_with_as_many_mails() -> None:
    counts = [
        {each.name: len(list(each.glob("*.eml"))) for each in (SHIPPED / language).iterdir()}
        for language in LANGUAGES
    ]
    assert counts[0] == counts[1]
    assert counts[0].keys() == set(NAMES)


def test_what_is_shipped_is_small_and_private_to_nobody() -> None:
    """Invented people at the site's own domain, and nothing as large as a mail can be."""
    for file in SHIPPED.rglob("*.eml"):
        octets = file.read_bytes()
        assert len(octets) < 5_000, file
        addresses = re.findall(rb"[\w.+}-]+@([\w.{}-]+)", octets)
        assert set(addresses) <= {b"{domain}"}, file


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_mail_is_dated_and_has_its_own_message_id(
    tmp_path: Path, language: str, name: str
) -> None:
    for file, octets in shipped(tmp_path, language, name).items():
        message = parsed(octets)
        assert message["Date"].datetime, file
        assert message["From"].addresses[0].domain == "d.example", file
        assert message["Message-ID"] == "<1.x@d.example>", file
        assert message["To"].groups, file
        longest = max(map(len, octets.split(b"\n")))
        # RFC 5322 §2.1.1; the one mail that breaks it says so.
        assert longest <= 998 or (name == "mime" and longest == 2_000), file


# --- subjects

PRINTED = re.compile(rb"^> ?(.*)$", re.MULTILINE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_subject_is_what_its_body_says_that_a_script_prints(
    tmp_path: Path, language: str
) -> None:
    none = {"en": b"(no subject)", "fr": b"(pas de sujet)"}[language]
    raw, decoded = [], []
    for octets in shipped(tmp_path, language, "subjects").values():
        said = PRINTED.findall(octets)
        message = email.message_from_bytes(octets, policy=email.policy.compat32)
        fields = [value for name, value in message.raw_items() if name.lower() == "subject"]
        subject = fields[0].encode("utf-8", "surrogateescape") if fields else none
        assert said[0] == subject.replace(b"\n", b""), octets
        if len(said) > 1:
            assert said[1].decode() == str(make_header(decode_header(fields[0])))
            decoded.append(said[1])
        raw.append(said[0])
    assert len(raw) == 21
    assert len(decoded) == 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_subjects_have_the_traps_of_question_11(tmp_path: Path, language: str) -> None:
    pack = list(shipped(tmp_path, language, "subjects").values())
    headers = [each.partition(b"\n\n")[0] for each in pack]
    bodies = [each.partition(b"\n\n")[2] for each in pack]
    fields = [re.findall(rb"^(?i:subject):", each, re.MULTILINE) for each in headers]
    assert [len(each) for each in fields] == [1] * 5 + [0, 1, 1, 0, 2] + [1] * 11
    assert {b"SUBJECT:", b"subject:"} <= {name for each in fields for name in each}
    assert sum(body.startswith(b"Subject:") for body in bodies) == 2
    charsets = {name.lower() for name in re.findall(rb"=\?([\w-]+)\?[bBqQ]\?", b"".join(headers))}
    assert charsets == {b"utf-8", b"iso-8859-1", b"iso-8859-15", b"windows-1252"}
    assert any(re.search(rb"^Subject: .*\n .*\n\t", each, re.MULTILINE) for each in headers)
    assert max(len(line) for each in headers for line in each.split(b"\n")) > 900


# --- forged


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_forged_mails_are_betrayed_by_their_envelopes_but_for_one(
    tmp_path: Path, language: str
) -> None:
    pack = usable_pack(desk_at(tmp_path, Settings(language=language)), "forged")
    occasion = Occasion("forged", "", 1, "d.example", "")
    told = []
    for mail in pack.mails[1:]:
        envelope = mail.envelope(ALICE, occasion)
        claimed = parsed(mail.content.fill(ALICE, occasion))["From"].addresses[0].addr_spec
        told.append((claimed, str(envelope.sender or ""), str(envelope.client), envelope.login))
    assert told == [
        ("president@d.example", "21999917@d.example", "10.3.17.4", ""),
        ("paul.ferrand@d.example", "paul.ferrand@d.example", "10.3.17.4", ""),
        ("nadia.lemoine@d.example", "nadia.lemoine@d.example", "10.3.5.21", "nadia.lemoine"),
        ("21999923@d.example", "21999923@d.example", "10.3.17.9", "21999917"),
        ("registrar@d.example", "", "10.3.17.4", ""),
    ]
    # The last one brings lines of its own that look like the server's.
    last = mails(pack)[pack.mails[-1].file]
    assert last.startswith(
        b"Return-Path: <registrar@d.example>\nReceived: from registrar.d.example"
    )


# --- mime


@pytest.mark.parametrize("language", LANGUAGES)
def test_accents_come_out_of_every_charset_and_encoding(tmp_path: Path, language: str) -> None:
    pack = [parsed(each) for each in shipped(tmp_path, language, "mime").values()]
    forms = [(str(each.get_content_charset()), each["Content-Transfer-Encoding"]) for each in pack]
    assert forms[:5] == [
        ("utf-8", "8bit"),
        ("iso-8859-1", "quoted-printable"),
        ("windows-1252", "base64"),
        ("iso-8859-1", "8bit"),
        ("utf-8", "8bit"),
    ]
    lines = {each.get_content().splitlines()[-1].partition(": ")[2] for each in pack[:4]}
    assert len(lines) == 1
    assert {"Ægir", "señor", "größer"} <= set(re.findall(r"\w+", lines.pop()))
    assert "“" in pack[2].get_content()
    assert pack[4].get_content_type() == "text/html"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_parts_of_the_mime_mails_are_whole(tmp_path: Path, language: str) -> None:
    pack = [parsed(each) for each in shipped(tmp_path, language, "mime").values()]
    for message in pack:
        for part in message.walk():
            assert not part.defects
    trees = [[part.get_content_type() for part in message.walk()] for message in pack[5:8]]
    assert trees == [
        ["multipart/alternative", "text/plain", "text/html"],
        ["multipart/mixed", "text/plain", "text/plain", "image/png"],
        [
            *("multipart/mixed", "multipart/related", "multipart/alternative"),
            *("text/plain", "text/html", "image/png"),
            *("message/rfc822", "multipart/mixed", "text/plain", "text/csv"),
        ],
    ]
    text, picture = pack[6].iter_attachments()
    assert text.get_filename() == "résumé.txt"
    assert ("café" if language == "en" else "été") in text.get_content()
    for image in (picture, *(p for p in pack[7].walk() if p.get_content_type() == "image/png")):
        assert image.get_content().startswith(b"\x89PNG\r\n\x1a\n")
        assert image.get_content().endswith(b"IEND\xaeB`\x82")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_long_line_and_the_dots_are_there(tmp_path: Path, language: str) -> None:
    pack = list(shipped(tmp_path, language, "mime").values())
    assert [len(line) for line in pack[8].split(b"\n") if len(line) > 998] == [2_000]
    dots = [line for line in pack[9].split(b"\n") if line.startswith(b".")]
    assert [re.match(rb"\.+", each)[0] for each in dots] == [b".", b"..", b"...", b"."]
    assert dots[-1] == b"."


# --- big


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_big_ones_are_big(tmp_path: Path, language: str) -> None:
    sizes = [len(each) for each in shipped(tmp_path, language, "big").values()]
    assert [each // 1024 for each in sizes] == [100, 100, 100, 100, 1024]


# --- packs of a site

PAGE = (Path(__file__).parent.parent / "docs" / "seeds.md").read_text()


def test_the_pack_of_the_documentation_is_a_good_one(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    first, second = re.findall(r"^   ```eml\n(.*?)^   ```$", PAGE, re.MULTILINE | re.DOTALL)
    teaches = re.search(r"^   (teaches = \"Who.*)$", PAGE, re.MULTILINE)
    assert teaches
    write_pack(
        desk,
        "treasure",
        **{"01_eml": dedent(first).encode(), "02_eml": dedent(second).encode()},
        pack_toml=teaches[1].encode(),
    )
    (checked,) = check_packs(desk, "treasure").packs
    assert (checked.faults, checked.remarks) == ((), ())
    one, two = mails(usable_pack(desk, "treasure")).values()
    assert b"Ahoy 22000001!" in one
    assert b"A brace is written {." in one
    assert b"Mail 2 of tp1" in two
    write_pack(desk, "slip", **{"01_eml": dedent(first).replace("number", "nubmer").encode()})
    (slipped,) = check_packs(desk, "slip").packs
    assert str(slipped.faults[0]).partition(", ")[2] in PAGE


def test_the_documentation_names_every_field_and_every_pack() -> None:
    rows = re.findall(r"^\| `\{(\w+)", PAGE, re.MULTILINE)
    assert rows == ["number", "group", "neighbour", "domain", "date", "id", "n", *rows[7:]]
    assert rows[7:] == ["random", "pick", "filler"]
    _, (slip,) = parse(b"{unknown}")
    assert slip.why.endswith(f": fields are {', '.join(rows)}")
    counts = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    there = {name: len(list((SHIPPED / "en" / name).glob("*.eml"))) for name in NAMES}
    assert {name: int(count) for name, count in counts.items()} == there


def test_a_sites_own_pack_wins_over_a_shipped_one(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    own = write_pack(
        desk,
        "welcome",
        **{"02_eml": b"Subject: 2\n\n", "10_EML": b"Subject: 10\n\n", "1_eml": b"Subject: 1\n\n"},
        README_md=b"{",
        pack_toml='teaches = { fr = "à lire", en = "to\\n read" }'.encode(),
    )
    (own / ".#02.eml").write_bytes(b"{")
    assert find_pack(desk, "WELCOME").folder == own
    pack = usable_pack(desk, "welcome")
    assert [each.file for each in pack.mails] == ["02.eml", "1.eml", "10.EML"]
    assert pack.teaches == "to read"
    seen = {each.name: each for each in packs(desk).packs}
    assert not seen["welcome"].is_shipped
    assert seen["big"].is_shipped
    french = usable_pack(desk_at(tmp_path, Settings(language="fr")), "welcome")
    assert french.teaches == "à lire"


def test_an_unknown_pack_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    write_pack(desk, "tp2", **{"01_eml": b"x\n"})
    (desk.folder / "seeds" / ".git").mkdir()
    for word in ("nope", "", "../seeds/tp2", "/etc", ".git", "22000001"):
        with pytest.raises(NotDone, match=r"\(packs: big, forged, mime, subjects, tp2, welcome\)"):
            usable_pack(desk, word)


def test_every_fault_of_a_pack_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    folder = write_pack(
        desk,
        "tp2",
        **{
            "01_eml": b"Subject: {nubmer}\r\n\r\n{n\r\n",
            "02_eml": b"",
            "03_eml": b"X-Seed-Sender: a b\nFrom: {n}\n\n",
            "05_txt": b"not a mail",
            "06_eml": b"Subject: no empty line\nBonjour,\n\nx\n",
            "07_eml": b"Content-Type: multipart/mixed; boundary=x\n\nno part\n",
            "08_eml": b"Subject: all of it",
            "10_eml": b"Subject: 10\n\n",
            "9_eml": b"Subject: 9\n\n",
        },
        pack_toml=b'teaches = "x"\ntitle = 1\n',
    )
    (folder / "04.eml").mkdir()
    (checked,) = check_packs(desk, "tp2").packs
    assert [(each.file, each.line) for each in checked.faults] == [
        ("01.eml", 1),
        ("01.eml", 3),
        ("02.eml", 0),
        ("03.eml", 1),
        ("04.eml", 0),
        ("pack.toml", 0),
    ]
    assert [(each.file, each.line, each.why.split(":")[0]) for each in checked.remarks] == [
        ("05.txt", 0, "this is not used"),
        ("9.eml", 0, "it is delivered after 10.eml"),
        ("06.eml", 2, "no field of a header"),
        ("07.eml", 0, "a mail program finds"),
        ("07.eml", 0, "a mail program finds"),
        ("08.eml", 0, "there is no empty line, so all of it is header"),
    ]
    assert check_folder(folder).packs == (checked,)
    with pytest.raises(NotDone) as refusal:
        usable_pack(desk, "tp2")
    lines = str(refusal.value).splitlines()
    assert lines[0].startswith("tp2/01.eml, line 1: '{nubmer}' is no field")
    assert len(lines) == 7
    assert lines[-1] == "nothing is delivered"


@pytest.mark.parametrize(
    ("toml", "line", "says"),
    [
        (b"\nteaches = \n", 2, "not TOML"),
        (b"teaches = 3", 0, "takes a text"),
        (b"teaches = { en = 3 }", 0, "takes a text"),
        (b"teaches = '\xe9'", 0, "UTF-8"),
        (b"teach = ''", 0, "'teach' is no key"),
    ],
)
def test_a_wrong_pack_toml_is_named(tmp_path: Path, toml: bytes, line: int, says: str) -> None:
    desk = desk_at(tmp_path)
    write_pack(desk, "tp2", **{"01_eml": b"From: a\n\n"}, pack_toml=toml)
    (fault,) = check_packs(desk, "tp2").packs[0].faults
    assert (fault.file, fault.line) == ("pack.toml", line)
    assert says in fault.why


@pytest.mark.parametrize("name", ["TP2", "tp 2", "été"])
def test_a_folder_whose_name_is_no_pack_is_listed_with_its_fault(tmp_path: Path, name: str) -> None:
    desk = desk_at(tmp_path)
    write_pack(desk, name, **{"01_eml": b"From: a\n\n"})
    assert {each.name: each.faults for each in packs(desk).packs}[name] == 1
    (checked,) = check_packs(desk, name).packs
    assert "the folder's name" in checked.faults[0].why
    with pytest.raises(NotDone, match="the folder's name"):
        usable_pack(desk, name)


def test_an_empty_folder_is_no_pack(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    write_pack(desk, "tp2")
    with pytest.raises(NotDone, match=r"there is no \.eml file in it"):
        usable_pack(desk, "tp2")


def test_a_pack_with_thousands_of_faults_does_not_flood_the_terminal(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    write_pack(desk, "tp2", **{"01_eml": b"\n" + b"{\n" * 5_000})
    with pytest.raises(NotDone) as refusal:
        usable_pack(desk, "tp2")
    lines = str(refusal.value).splitlines()
    assert len(lines) == 102
    assert lines[-2] == "and 4,900 more such lines"
