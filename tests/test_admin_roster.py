"""Rosters in every form that is known, and the line for each thing that is wrong with one."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpmailserver.admin.roster import NoRoster, Roster, Understood, read
from tpmailserver.model import NAME

ROSTERS = Path(__file__).parent / "rosters"


def roster(name: str) -> Roster:
    return read((ROSTERS / name).read_bytes())


def rows(found: Roster) -> list[tuple[str, str, str]]:
    """Each student's number, groups and name."""
    return [(each.number, " ".join(each.groups), each.name) for each in found.entries]


ZOE, THEO, MAEL = "22000001", "22000002", "22000003"

FORMS = {
    "numbers.txt": (
        Understood("one number a line", "UTF-8", "none", 0, "column 1", (), (), (), 4),
        [(ZOE, "", ""), (THEO, "", ""), ("00000003", "", ""), ("anna", "", "")],
    ),
    "numbers-bom.txt": (
        Understood(
            "one number a line",
            "UTF-8 with a byte order mark",
            *("none", 0, "column 1", (), (), (), 2),
        ),
        [(ZOE, "", ""), (THEO, "", "")],
    ),
    "caen.csv": (
        Understood(
            "number or mail address, and group",
            *("ASCII", "commas", 0, "column 1", ("column 2",), (), (), 4),
        ),
        [(ZOE, "tp1", ""), (THEO, "tp1", ""), (MAEL, "tp2", ""), ("22000004", "", "")],
    ),
    "mails.csv": (
        Understood("table with headings", "ASCII", "none", 1, "Adresse e-mail", (), (), (), 2),
        [(ZOE, "", ""), (THEO, "", "")],
    ),
    "moodle.csv": (
        Understood(
            *("Moodle upload", "UTF-8", "commas", 1, "idnumber", ("group1", "group2")),
            ("firstname", "lastname"),
            ("username", "password", "email", "course1"),
            2,
        ),
        [(ZOE, "tp-1 td-1", "Zoé Martin"), (THEO, "tp-2 td-1", "Théo Durand")],
    ),
    "moodle-logins.csv": (
        Understood(
            *("Moodle upload", "UTF-8", "commas", 1, "username", ()),
            ("firstname", "lastname"),
            ("email",),
            2,
        ),
        [(ZOE, "", "Zoé Martin"), (THEO, "", "Théo Durand")],
    ),
    "canvas.csv": (
        Understood(
            *("Canvas SIS", "UTF-8", "commas", 1, "user_id", ("section",), ("full_name",)),
            (
                *("integration_id", "login_id", "first_name", "last_name"),
                *("sortable_name", "email", "status"),
            ),
            2,
        ),
        [(ZOE, "tp1", "Zoé Martin"), (THEO, "tp2", "Théo Durand")],
    ),
    "office.csv": (
        Understood(
            *("export of a registrar's office", "cp1252 (Windows)", "semicolons", 1),
            *("N° étudiant", ("Groupe",), ("Prénom", "Nom"), ("Adresse de courriel",), 3),
        ),
        [(ZOE, "tp-1", "Zoé Lefèvre"), (THEO, "tp-1", "Théo Durand"), (MAEL, "tp-2", "Maël Noël")],
    ),
    "nip.csv": (
        Understood(
            *("export of a registrar's office", "UTF-8", "semicolons", 1, "Code_NIP"),
            *(("Groupe TD",), ("PRÉNOM", "NOM"), ("Code_INE", "Remarque"), 2),
        ),
        [(ZOE, "td-1", "Zoé Martin"), (THEO, "td-2", "Théo Durand")],
    ),
    "apogee.csv": (
        Understood(
            *("export of a registrar's office", "cp1252 (Windows)", "semicolons", 4, "COD_ETU"),
            *((), ("LIB_PR1_IND", "LIB_NOM_PAT_IND"), ("DATE_NAI_IND",), 2),
        ),
        [(ZOE, "", "ZOE MARTIN"), (THEO, "", "THEO DURAND")],
    ),
    "excel-unicode.txt": (
        Understood(
            *("export of a registrar's office", "UTF-16", "tabs", 1, "N° étudiant"),
            *(("Groupe",), ("Prénom", "Nom"), (), 2),
        ),
        [(ZOE, "tp1", "Zoé Lefèvre"), (THEO, "tp2", "Théo Durand")],
    ),
    "excel-zeros.csv": (
        Understood(
            *("table with headings", "UTF-8", "semicolons", 2, "Numéro", ("Groupe",), (), (), 2)
        ),
        [("00000001", "tp1", ""), ("00000002", "tp2", "")],
    ),
    "bare.csv": (
        Understood(
            *("table without headings", "UTF-8", "tabs", 0, "column 3", ("column 4",)),
            *(("column 1", "column 2"), (), 3),
        ),
        [
            (ZOE, "tp1a", "MARTIN Zoé"),
            (THEO, "tp1b", "DURAND Théo"),
            (MAEL, "tp1a", "PETIT Maël"),
        ],
    ),
    "number-and-name.csv": (
        Understood(
            *("table without headings", "UTF-8", "semicolons", 0, "column 1", ()),
            *(("column 2",), (), 3),
        ),
        [(ZOE, "", "MARTIN Zoé"), (THEO, "", "DURAND Théo"), (MAEL, "", "PETIT Maël")],
    ),
    "unknown-headings.csv": (
        Understood(
            *("table with headings", "UTF-8", "semicolons", 1, "Kode", (), (), ("Wie", "Woher"), 2)
        ),
        [(ZOE, "", ""), (THEO, "", "")],
    ),
    "logins.csv": (
        Understood("table with headings", "ASCII", "commas", 1, "login", ("groups",), (), (), 2),
        [("zmartin", "tp1 td-1", ""), ("tdurand", "tp2", "")],
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_known(name: str) -> None:
    found = roster(name)
    understood, students = FORMS[name]
    assert found.understood == understood
    assert rows(found) == students
    assert found.faults == ()


def test_every_file_is_read_by_a_test() -> None:
    named = {*FORMS, "doubtful.csv", "faulty.csv", "no-number.csv", "README.md"}
    assert {each.name for each in ROSTERS.iterdir()} == named


def test_what_looks_wrong_is_a_doubt_with_its_lines() -> None:
    found = roster("doubtful.csv")
    assert found.faults == ()
    assert found.doubts == (
        "1 number has 7 digits, not 8: were leading zeros lost? (2200002 in line 3)",
        "1 number has 9 digits, not 8 (220000004 in line 5)",
        "1 number in the form of an INE (0123456789a in line 4)",
        "1 login with other signs than digits (e22000007 in line 8)",
        "1 number in more than one line (22000001 in lines 2, 6)",
        "1 line has more cells than the 3 of the others: is a separator part of a text? (line 7)",
    )
    assert found.remarks == (
        'group names changed to fit: "TP 1" is tp-1, "TP 2" is tp-2',
        "1 line without a group (e22000007 in line 8)",
    )
    assert rows(found)[0] == (ZOE, "tp-1 tp-2", "Martin")


def test_nothing_is_doubted_without_a_reason() -> None:
    doubted = {name for name in FORMS if roster(name).doubts}
    assert doubted == {"numbers.txt", "unknown-headings.csv"}
    assert roster("unknown-headings.csv").doubts == (
        'no heading says "number": Kode is taken for its looks',
    )


def test_many_of_a_kind_are_counted_and_the_first_named() -> None:
    lines = [*(f"{each:08}" for each in range(40)), *(f"{each:07}" for each in range(7))]
    (doubt,) = read("\n".join(lines).encode()).doubts
    assert doubt.startswith("7 numbers have 7 digits, not 8")
    assert doubt.endswith("0000004 in line 45, and 2 more)")


def test_a_column_of_as_many_groups_as_students_is_doubted() -> None:
    lines = ["numero;groupe", *(f"{22000000 + each};nom {each}" for each in range(20))]
    assert read("\n".join(lines).encode()).doubts == ("20 groups for 20 lines: is groupe right?",)


def test_each_line_that_cannot_be_used_is_named() -> None:
    assert {each.line: each.why for each in roster("faulty.csv").faults} == {
        3: "there is no number",
        4: "'22000003,0' is a decimal: in the spreadsheet, make the column text",
        5: "'2,2E+07' is a decimal: in the spreadsheet, make the column text",
        6: "'22 000 005' is more than a number: "
        "a name is 1 to 64 of a-z 0-9 . _ -, a letter or digit first",
        7: "'zoe.martin@etu.tpmail.example' is a mail address without a number before the @",
        8: "'22000007-22000009' is a range: a roster has one number a line",
        9: "'postmaster': the name postmaster is reserved",
        10: "text stands behind a closing quotation mark",
        17: "a quotation mark opens here and is never closed",
    }


def test_a_table_without_a_number_is_refused_for_its_phone_numbers_too() -> None:
    with pytest.raises(NoRoster, match="no column has student numbers"):
        roster("no-number.csv")


@pytest.mark.parametrize("octets", [b"anna,tp1\nbob,tp1\n", b"anna\nbob\n", b"a text of words\n"])
def test_words_alone_want_a_heading(octets: bytes) -> None:
    with pytest.raises(NoRoster, match="logins need a heading, such as login,group"):
        read(octets)


def test_among_numbers_a_word_is_a_login_of_however_few_digits_they_are() -> None:
    assert rows(read(b"anna\n7\nbob\n")) == [("anna", "", ""), ("7", "", ""), ("bob", "", "")]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_lines_are_counted_as_an_editor_counts_them(line_end: bytes) -> None:
    lines = [b"numero,remarque", b"", b"# a comment", b'22000001,"a', b'b"', b"x y,z"]
    found = read(line_end.join(lines))
    assert [fault.line for fault in found.faults] == [6]


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"%PDF-1.7\n%\xe2", "this is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"an old Excel workbook \(.xls\)"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b"22000001\n\x00\x01\x02", "a binary file"),
        (b"\xff\xfe2", "broken UTF-16"),
        ("<html><table><tr><td>22000001".encode("utf-16"), "a web page"),
        (b"\n<!DOCTYPE html>", "a web page"),
        (b"", "nobody in it"),
        (b"\xef\xbb\xbf", "nobody in it"),
        (b"\n# nobody\n", "nobody in it"),
        ("N° étudiant;Nom\n".encode(), "nobody in it"),
    ],
)
def test_a_file_that_is_no_roster_is_refused_in_one_line(octets: bytes, says: str) -> None:
    with pytest.raises(NoRoster, match=says) as refusal:
        read(octets)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("member", "content", "says"),
    [
        ("xl/workbook.xml", "<x/>", r"an Excel workbook \(.xlsx\).*save it as CSV"),
        (
            "mimetype",
            "application/vnd.oasis.opendocument.spreadsheet",
            r"a LibreOffice spreadsheet \(.ods\).*save it as CSV",
        ),
        ("roster.csv", "22000001", "a ZIP archive"),
    ],
)
def test_a_spreadsheet_is_to_be_saved_as_csv(member: str, content: str, says: str) -> None:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as archive:
        archive.writestr(member, content)
    with pytest.raises(NoRoster, match=says):
        read(octets.getvalue())


@pytest.mark.parametrize(
    ("text", "students"),
    [
        # A comma or a semicolon in every line is not always a separator.
        ("22000001 # a, b\n22000002 # c, d\n", [(ZOE, ""), (THEO, "")]),
        ("22000001;a,1;tp1\n22000002;b,2;tp2\n", [(ZOE, "tp1"), (THEO, "tp2")]),
        ("22000001,tp1;td1\n22000002,tp1;td2\n", [(ZOE, "tp1 td1"), (THEO, "tp1 td2")]),
        ("22000001\n22000002,tp1\n", [(ZOE, ""), (THEO, "tp1")]),
        # A word beside a number is a group where others have it too.
        ("22000001,rouge\n22000002,rouge\n", [(ZOE, "rouge"), (THEO, "rouge")]),
        ("22000001,rouge\n22000002,bleu\n", [(ZOE, ""), (THEO, "")]),
        ("22000001;14000;tp1\n22000002;14000;tp1\n", [(ZOE, "tp1"), (THEO, "tp1")]),
        ("22000001;06/12/2004\n22000002;01/02/2004\n", [(ZOE, ""), (THEO, "")]),
        ("tel;numero\n0600000001;22000001\n", [(ZOE, "")]),
        ("ine;dossier\n0123456789A;22000001\n", [(ZOE, "")]),
        ("ine;nom\n0123456789A;Martin\n", [("0123456789a", "")]),
        ("22000001;tp1;;\n", [(ZOE, "tp1")]),
        ("\u00a022000001\u00a0;'TP1\n", [(ZOE, "tp1")]),
    ],
)
def test_columns_are_found(text: str, students: list[tuple[str, str]]) -> None:
    assert [(number, groups) for number, groups, _ in rows(read(text.encode()))] == students


@given(st.binary(max_size=200) | st.text('0123456789;,\t"\n\r#@=.a', max_size=200).map(str.encode))
def test_any_octets_are_a_roster_or_refused(octets: bytes) -> None:
    try:
        found = read(octets)
    except NoRoster:
        return
    assert found.entries or found.faults
    assert all(NAME.fullmatch(each.number) for each in found.entries)
    assert all(NAME.fullmatch(group) for each in found.entries for group in each.groups)
    assert all(fault.why.isprintable() for fault in found.faults)


def test_a_watcher_sees_every_row_go_by() -> None:
    seen = []

    def follow(rows):
        for row in rows:
            seen.append(row.line)
            yield row

    read(b"22000001\n\n22000002\n", follow)
    assert seen == [1, 3]
