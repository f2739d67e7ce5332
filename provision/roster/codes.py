"""The values that a coded column may have.

Values are compared without regard to case and kept in the spelling given here. Sources: the published
"default list of values" of School Data Sync and the V2.1 file description.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ORG_TYPES = _words("""
    school ministryOfEducation localAuthority department university region district college division local
    campus province state adultEducation researchCenter national municipality program departmentOfEducation
    academicTrust
""")

ROLES = _words("""
    student teacher principal chair professor researcher adjunct affiliate occupationalTherapist
    physicalTherapist speechTherapist visionTherapist paraprofessional specialServices advisor proctor nurse
    officeStaff lecturer itAdmin administrator faculty staff teacherAssistant assistant instructor
    substitute coach alumni other aide
""")
"""Roles in an organisation and in a section. Microsoft prints two lists that differ in five values, and its
own samples use values of the one in the place of the other; so a role that either list knows is good in both
places."""

NO_ACCOUNT_ROLES = ("parent", "guardian", "relative")
"""Contacts of a student, not people of the school."""
NO_ORG_ROLES = {"aide": "assistant"}
NO_CLASS_ROLES = {"faculty": "instructor", "nurse": "staff", "researcher": "staff", "other": "affiliate"}
"""What Microsoft's list of organisation roles, or of enrollment roles (the present one, of 27), does not have, and the
nearest role with the same rights that it has."""

ISO_DATES = ("YYYY-MM-DD", "YYYYMMDD")
"""ISO 8601, which School Data Sync takes in every format of its own."""
SESSION_TYPES = ("schoolYear", "semester", "term", "gradingPeriod", "quarter")
SEXES = ("male", "female", "notSelected")
FLAGS = ("freeLunch", "reducedLunch", "homeless", "giftedOrTalented", "504", "ELL", "LEP", "IEP")
RELATIONSHIPS = ("parent", "relative", "doctor", "guardian", "child", "other", "aide", "administrator")
ETHNICITIES = ("hispanicOrLatinoEthnicity",)
RACES = _words("""
    americanIndianOrAlaskaNative nativeHawaiianOrOtherPacificIslander blackOrAfricanAmerican
    demographicRaceTwoOrMoreRaces asian white
""")
US_STATES = _words("""
    AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH
    OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS FM GU MH MP PR PW VI AA AE AP
""")
SUBJECTS = tuple(f"{number:02}" for number in (*range(1, 6), *range(7, 25)))

_YEARS = tuple(f"{number:02}" for number in range(1, 14))
_LATER = _words("""
    PS PS1 PS2 PS3 PS4 undergraduate graduate postgraduate alumni adultEducation UG Other
""")
GRADES = {
    "us": ("IT", "PR", "PK", "TK", "KG", *_YEARS, *_LATER),
    "uk": ("IT", "PR", "PK", *_YEARS, *_LATER),
}
"""Grade codes by country: the British list has no kindergarten."""

_ORDINALS = _words("""
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
""")
_COLLEGE_YEARS = ("freshman", "sophomore", "junior", "senior")
_LATER_LABELS = {"postsecondary": "PS", "adult education": "adultEducation", "ungraded": "UG"}
GRADE_LABELS = {
    "us": {
        "infant": "IT",
        "infant/toddler": "IT",
        "pre-school": "PR",
        "preschool": "PR",
        "pre-kindergarten": "PK",
        "prekindergarten": "PK",
        "transitional kindergarten": "TK",
        "kindergarten": "KG",
        **{f"{word} grade": f"{number:02}" for number, word in enumerate(_ORDINALS, 1)},
        **{f"grade {number}": f"{number:02}" for number in range(1, 14)},
        **{f"postsecondary {word}": f"PS{number}" for number, word in enumerate(_COLLEGE_YEARS, 1)},
        **_LATER_LABELS,
    },
    "uk": {
        "nursery": "IT",
        "pre-school": "PR",
        "preschool": "PR",
        "reception": "PK",
        **{f"year {number}": f"{number:02}" for number in range(1, 14)},
        **{f"postsecondary year {number}": f"PS{number}" for number in range(1, 5)},
        **_LATER_LABELS,
    },
}
"""What people call a grade, in lower case, by country, and the code it stands for."""


def spellings(values: Iterable[str], also: Mapping[str, str] | None = None) -> dict[str, str]:
    """Lower-case spelling -> the value as it is kept; numbers are known without their leading zero too."""
    known = {value.lower(): value for value in values}
    known.update({value.lstrip("0"): value for value in known.values() if value.isdigit()})
    return {**known, **(also or {})}


def grade_spellings(labels: str) -> dict[str, str]:
    """Every way to write a grade in the given country ("us" or "uk"), in lower case, and its code."""
    return spellings(GRADES[labels], GRADE_LABELS[labels])


ROLE_SPELLINGS = spellings(ROLES, {"aid": "aide"})  # a known export tool writes "aid"


CONTACTS = ("parent", "guardian", "relative")
"""Roles of people who belong to a student, not to the school."""
ONEROSTER_ROLES = {
    **ROLE_SPELLINGS,
    **spellings(CONTACTS),
    "counselor": "advisor",
    "siteadministrator": "administrator",
    "districtadministrator": "administrator",
    "systemadministrator": "itAdmin",
}
"""OneRoster 1.1 has eight roles, 1.2 twelve, and profiles of it add their own."""
ONEROSTER_SEXES = spellings((*SEXES, "other"), {"unspecified": "notSelected"})
CLASS_TYPES = ("homeroom", "scheduled")

CLEVER_GRADES = {
    "infanttoddler": "IT",
    "preschool": "PR",
    "prekindergarten": "PK",
    "transitionalkindergarten": "TK",
    "kindergarten": "KG",
    **{str(number): f"{number:02}" for number in range(1, 14)},
    "postgraduate": "postgraduate",
    "ungraded": "UG",
    "other": "Other",
}
"""The grades that Clever's description has, in lower case, and their codes."""

CLEVER_GRADES_SEEN = {**GRADE_LABELS["us"], "k": "KG", "ps": "PR"}
"""What schools write besides. Clever knows no college years, so its PS is the pre-school."""

CLEVER_SEXES = {"m": "male", "f": "female", "x": "notSelected", **spellings(SEXES)}
CLEVER_RACES = {
    "a": "asian",
    "b": "blackOrAfricanAmerican",
    "i": "americanIndianOrAlaskaNative",
    "m": "demographicRaceTwoOrMoreRaces",
    "p": "nativeHawaiianOrOtherPacificIslander",
    "w": "white",
}
CLEVER_LUNCHES = {"f": "freeLunch", "r": "reducedLunch"}

CLEVER_CONTACTS = {
    **spellings(RELATIONSHIPS),
    **dict.fromkeys(("mother", "father", "mom", "dad", "stepmother", "stepfather", "stepparent"), "parent"),
    **dict.fromkeys(("parent/guardian", "legal guardian", "foster parent"), "guardian"),
    **dict.fromkeys(("family", "grandparent", "grandmother", "grandfather", "aunt/uncle", "aunt", "uncle"), "relative"),
    **dict.fromkeys(("sibling", "sister", "brother", "cousin"), "relative"),
    **dict.fromkeys(("self", "primary", "secondary", "emergency"), "other"),
}
"""What Clever calls the relationship, or else the type, of a contact, and the words that schools use besides."""

CLEVER_STAFF = {
    **{spelling: role for spelling, role in ROLE_SPELLINGS.items() if role != "student"},
    **dict.fromkeys(("school tech lead", "schooltechlead", "stl"), "itAdmin"),
}
