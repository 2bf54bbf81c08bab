"""The cells of a roster and its headings, each for itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpmailserver.admin.roster.cells import group_name, is_ine, number_in
from tpmailserver.admin.roster.headings import Role, role_of
from tpmailserver.model import NAME


@pytest.mark.parametrize(
    ("heading", "role"),
    [
        ("N° étudiant", Role.NUMBER),
        ("Nº ETUDIANT", Role.NUMBER),
        ("numéro d'étudiant", Role.NUMBER),
        ("Code_NIP", Role.NUMBER),
        ("cod_etu", Role.NUMBER),
        ("ID number", Role.NUMBER),
        ("SIS User ID", Role.NUMBER),
        ("Login ID", Role.LOGIN),
        ("Nom d'utilisateur", Role.LOGIN),
        ("adresse de courriel", Role.MAIL),
        ("E-Mail", Role.MAIL),
        ("groupe", Role.GROUP),
        ("GROUP12", Role.GROUP),
        ("N° INE", Role.INE),
        ("password", None),
        ("", None),
    ],
)
def test_headings_are_known_without_accents_case_and_signs(heading: str, role: Role | None) -> None:
    assert role_of(heading) is role


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (" 22000001 ", "22000001"),
        ('="00000001"', "00000001"),
        ("'00000001", "00000001"),
        ("22000001@etu.tpmail.example", "22000001"),
        ("Anna", "anna"),
    ],
)
def test_a_number_is_found_in_its_cell(cell: str, number: str) -> None:
    assert number_in(cell) == number


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("TP 1", "tp-1"),
        ("TP1", "tp1"),
        ("Groupe n°3 / été", "groupe-n-3-ete"),
        ("L3_info.a", "l3_info.a"),
        ("--", ""),
        ("x" * 100, "x" * 64),
    ],
)
def test_a_groups_name_is_made_to_fit(written: str, name: str) -> None:
    assert group_name(written) == name


@given(st.text())
def test_whatever_a_group_is_called_its_name_fits_or_is_none(text: str) -> None:
    name = group_name(text)
    assert not name or NAME.fullmatch(name)


@pytest.mark.parametrize("text", ["0123456789A", "1234567890b", "012345678AB", "0A1B2C3D4E5"])
def test_an_ine_is_known(text: str) -> None:
    assert is_ine(text)


@pytest.mark.parametrize("text", ["22000001", "e2200000123", "22000001234", "0123456789AB"])
def test_what_is_no_ine(text: str) -> None:
    assert not is_ine(text)
