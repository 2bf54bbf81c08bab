"""The headings of rosters, and the programs and offices by which they are known.

The rule it guards: headings are known without their accents, case, spaces and signs, so that
`N° étudiant`, `n_etudiant` and `N ETUDIANT` are one; and only whole: a wrong guess is worse than no
guess.
"""

import re
from collections.abc import Iterable
from enum import Enum

from .cells import unaccented


class Role(Enum):
    """What a column says of a student; the first four may give the number, in this order."""

    NUMBER = "student number"
    LOGIN = "login"
    MAIL = "mail address"
    INE = "national number"
    GROUP = "group"
    FULL_NAME = "full name"
    GIVEN_NAME = "given name"
    FAMILY_NAME = "family name"
    ANOTHER_NUMBER = "a number that is no student's"


IDENTIFYING = (Role.NUMBER, Role.LOGIN, Role.MAIL, Role.INE)
NAMING = (Role.FULL_NAME, Role.GIVEN_NAME, Role.FAMILY_NAME)

# Written as `heading_key` leaves them.
_HEADINGS = {
    Role.NUMBER: """
        numero num number studentnumber studentno studentid matricule
        netudiant noetudiant numetudiant numeroetudiant numetu netu numerodetudiant
        codenip nip codetu codeetu codetudiant codeetudiant codeapogee apogee numeroapogee
        idnumber numerodidentification userid sisuserid sisid
    """,
    Role.LOGIN: """
        login loginid sisloginid username user identifiant uid nomdutilisateur compte account
    """,
    Role.MAIL: """
        mail email mails courriel adressedecourriel adressecourriel adressemail adresseemail
        adresseelectronique emailaddress mailaddress emailuniversitaire mailuniversitaire
        emailinstitutionnel mailinstitutionnel
    """,
    Role.INE: "ine codeine numeroine nine ineetudiant numerodine",
    Role.GROUP: """
        group groups groupe groupes groupename nomdugroupe nomgroupe libellegroupe codegroupe
        groupetd groupetp groupedetd groupedetp td tp tdtp grouptd grouptp section sectionid groupid
    """,
    Role.FULL_NAME: "name fullname nomprenom nometprenom nomcomplet prenomnom etudiant student",
    Role.GIVEN_NAME: "firstname givenname prenom prenoms prenometudiant libpr1ind",
    Role.FAMILY_NAME: """
        lastname familyname surname nom nomdefamille nometudiant nomdenaissance nomusuel nomdusage
        libnompatind
    """,
    Role.ANOTHER_NUMBER: """
        telephone tel telephonefixe telephoneportable portable mobile phone telportable telfixe
        codepostal cp postcode zip annee year date datedenaissance integrationid
    """,
}
_ROLES = {word: role for role, words in _HEADINGS.items() for word in words.split()}

# Moodle's group1, group2 and so on, and the same in French.
_NUMBERED_GROUP = re.compile(r"groupe?[0-9]+")


class Shape(Enum):
    """A kind of file that is known; its value is how a person calls it."""

    MOODLE = "Moodle upload"
    CANVAS = "Canvas SIS"
    OFFICE = "export of a registrar's office"
    TABLE = "table with headings"
    NUMBERS = "one number a line"
    NUMBERS_AND_GROUPS = "number or mail address, and group"
    BARE = "table without headings"


# The first that has one of these headings for each word is the one.
_KNOWN_BY = (
    (Shape.MOODLE, ("username", "idnumber firstname course1 group1")),
    (Shape.CANVAS, ("userid sisuserid", "loginid sisloginid")),
    (
        Shape.OFFICE,
        ("netudiant noetudiant numetudiant numeroetudiant codenip nip codetu codeetu apogee",),
    ),
)


def heading_key(heading: str) -> str:
    """A heading without what differs from one program to the next."""
    return re.sub(r"[^a-z0-9]", "", unaccented(heading).lower())


def role_of(heading: str) -> Role | None:
    """What a column with this heading says, or None for a heading that is not known."""
    key = heading_key(heading)
    return Role.GROUP if _NUMBERED_GROUP.fullmatch(key) else _ROLES.get(key)


def shape_of(headings: Iterable[str]) -> Shape:
    """The kind of file that has these headings."""
    keys = set(map(heading_key, headings))
    for shape, each_of in _KNOWN_BY:
        if not any(keys.isdisjoint(words.split()) for words in each_of):
            return shape
    return Shape.TABLE
