"""Kinds of value: how each is judged and brought into its one form, as SQL.

A kind turns the SQL of a raw value (trimmed, NULL when blank) into the SQL of its canonical form, NULL when
the value cannot be used. The value is then dropped with a warning; where the column is required, the record
is dropped with an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from provision.errors import RosterError
from provision.roster import codes
from provision.roster.check import Check
from provision.roster.options import RosterOptions
from provision.store.sql import literal

REQUIRED_TOO = "an error that drops the record where the column is required"

CODE = Check(
    "unknown-code",
    "error",
    f"A value is not in the list for its column: it is dropped with a warning; {REQUIRED_TOO}.",
    "Use a value of the list (docs: code lists); upper and lower case do not matter.",
)
GRADE = Check(
    "unknown-grade",
    "error",
    f"A grade is neither a code nor a label of the profile's grade list: dropped with a warning; {REQUIRED_TOO}.",
    "Use a grade code such as KG, 01 to 13 or PS1, or set grade_labels in the profile.",
)
GRADE_READ_AS = Check(
    "grade-read-as",
    "note",
    "A grade is a label, or lacks its leading zero; it is read as the code it stands for.",
    "Nothing to do; export the two-digit code to be rid of this note.",
)
DATE = Check(
    "date-format",
    "error",
    f"A date has none of the profile's date formats: dropped with a warning; {REQUIRED_TOO}.",
    "Export dates as YYYY-MM-DD, or add the form to date_formats in the profile.",
)
EMAIL = Check(
    "email-shape",
    "error",
    f"A value is not an e-mail address: dropped with a warning; {REQUIRED_TOO}.",
    "Write one address, as name@example.edu.",
)
PHONE = Check(
    "phone-shape",
    "error",
    f"A value is not a telephone number: dropped with a warning; {REQUIRED_TOO}.",
    "Write digits with an optional leading +, without an extension.",
)
BOOLEAN = Check(
    "boolean-value",
    "error",
    f"A value is neither true nor false: dropped with a warning; {REQUIRED_TOO}.",
    "Write true or false.",
)
YEAR = Check(
    "year-value",
    "error",
    f"A value is not a year of four digits: dropped with a warning; {REQUIRED_TOO}.",
    "Write the year with four digits.",
)
FREE_SUBJECT = Check(
    "subject-free-text",
    "note",
    "A course subject is no code of the subject list; it is kept as text.",
    "Nothing to do; a two-digit subject code would also be understood by other tools.",
)
VALUE_CHECKS = [CODE, GRADE, GRADE_READ_AS, DATE, EMAIL, PHONE, BOOLEAN, YEAR, FREE_SUBJECT]

Expression = Callable[[str, RosterOptions], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a value is brought into form (`canonical`), what is said when it cannot be (`fault`, `expected`),
    and what is worth a note though it can (`note`, where the SQL of `noted` is true)."""

    canonical: Expression
    expected: str = ""
    fault: Check | None = None
    note: Check | None = None
    noted: Expression | None = None


def _coded(known: Mapping[str, str]) -> Expression:
    return lambda raw, _options: _lookup(raw, known)


def _lookup(raw: str, known: Mapping[str, str]) -> str:
    entries = ", ".join(f"{literal(spelling)}: {literal(value)}" for spelling, value in known.items())
    return f"MAP {{{entries}}}[lower({raw})]"


def _several_coded(known: Mapping[str, str]) -> Expression:
    """Values joined by commas, each of the list: one wrong value spoils the cell."""

    def expression(raw: str, _options: RosterOptions) -> str:
        each = _lookup("trim(v)", known)
        values = f"list_transform(string_split({raw}, ','), lambda v: {each})"
        return f"(CASE WHEN list_count({values}) = len({values}) THEN array_to_string({values}, ',') END)"

    return expression


def _grade(raw: str, options: RosterOptions) -> str:
    return _lookup(raw, codes.grade_spellings(options.grade_labels))


def _grade_differs(raw: str, options: RosterOptions) -> str:
    return f"lower({_grade(raw, options)}) <> lower({raw})"


def _date(raw: str, options: RosterOptions) -> str:
    patterns = ", ".join(literal(pattern) for pattern in date_patterns(options))
    parsed = f"try_strptime({raw}, [{patterns}])"
    # a year of two digits, or a slip of the hand, is no date of a school
    return f"(CASE WHEN year({parsed}) BETWEEN 1900 AND 2199 THEN strftime({parsed}, '%Y-%m-%d') END)"


def date_patterns(options: RosterOptions) -> list[str]:
    """The date formats of the profile as strptime writes them; raises `RosterError` when one is none."""
    return [_date_pattern(form) for form in options.date_formats]


def _date_pattern(form: str) -> str:
    pattern = re.sub(r"YYYY|MM?|DD?", lambda found: "%Y" if found[0] == "YYYY" else "%" + found[0][0].lower(), form)
    if sorted(re.findall("%.", pattern)) != ["%Y", "%d", "%m"] or re.search("[A-Za-z%]", re.sub("%.", "", pattern)):
        raise RosterError(
            f"'{form}' in date_formats is not a date format.", ["Write one such as YYYY-MM-DD or M/D/YYYY."]
        )
    return pattern


def _email(raw: str, _options: RosterOptions) -> str:
    shape = r"[^\s@<>(),;:\\\[\]\x22]+@[a-z0-9-]+(\.[a-z0-9-]+)+"
    return f"(CASE WHEN regexp_full_match(lower({raw}), {literal(shape)}) THEN lower({raw}) END)"


def _phone(raw: str, _options: RosterOptions) -> str:
    bare = rf"regexp_replace({raw}, '[()\-. ]', '', 'g')"
    return rf"(CASE WHEN regexp_full_match({bare}, '\+?[0-9]{{3,15}}') THEN {bare} END)"


def _boolean(raw: str, _options: RosterOptions) -> str:
    return f"(CASE lower({raw}) WHEN 'true' THEN true WHEN 'false' THEN false END)"


def _year(raw: str, _options: RosterOptions) -> str:
    return f"(CASE WHEN regexp_full_match({raw}, '(19|2[01])[0-9][0-9]') THEN {raw} END)"


def _list(raw: str, _options: RosterOptions) -> str:
    return f"list_filter(list_transform(string_split({raw}, ','), lambda v: trim(v)), lambda v: v <> '')"


def _as_it_is(raw: str, _options: RosterOptions) -> str:
    return raw


def _code_kind(known: Mapping[str, str], what: str) -> Kind:
    return Kind(_coded(known), what, CODE)


_SUBJECTS = codes.spellings(codes.SUBJECTS)

KINDS: dict[str, Kind] = {
    "text": Kind(_as_it_is),
    "list": Kind(_list),
    "list of one": Kind(lambda raw, _options: f"CASE WHEN {raw} IS NOT NULL THEN [{raw}] END"),
    "org type": _code_kind(codes.spellings(codes.ORG_TYPES), "an organisation type"),
    "role": _code_kind(codes.ROLE_SPELLINGS, "a role"),
    "session type": _code_kind(codes.spellings(codes.SESSION_TYPES), "a session type"),
    "sex": _code_kind(codes.spellings(codes.SEXES), "male, female or notSelected"),
    "flag": _code_kind(codes.spellings(codes.FLAGS), "a user flag"),
    "relationship": _code_kind(codes.spellings(codes.RELATIONSHIPS), "a relationship role"),
    "us state": _code_kind(codes.spellings(codes.US_STATES), "the postal code of a US state"),
    "subject": _code_kind(_SUBJECTS, "a subject code (01 to 24)"),
    "free subject": Kind(
        _as_it_is, note=FREE_SUBJECT, noted=lambda raw, _options: f"{_lookup(raw, _SUBJECTS)} IS NULL"
    ),
    "ethnicities": Kind(_several_coded(codes.spellings(codes.ETHNICITIES)), "a list of ethnicity codes", CODE),
    "races": Kind(_several_coded(codes.spellings(codes.RACES)), "a list of race codes", CODE),
    "grade": Kind(_grade, "a grade", GRADE, note=GRADE_READ_AS, noted=_grade_differs),
    "date": Kind(_date, "a date in a form that the profile allows", DATE),
    "email": Kind(_email, "an e-mail address", EMAIL),
    "phone": Kind(_phone, "a telephone number", PHONE),
    "boolean": Kind(_boolean, "true or false", BOOLEAN),
    "year": Kind(_year, "a year", YEAR),
}

COLUMN_KINDS: dict[tuple[str, str], str] = {
    ("orgs", "type"): "org type",
    ("orgs", "grade_low"): "grade",
    ("orgs", "grade_high"): "grade",
    ("orgs", "principal_email"): "email",
    ("orgs", "phone"): "phone",
    ("persons", "secondary_email"): "email",
    ("persons", "phone"): "phone",
    ("persons", "sms"): "phone",
    ("persons", "graduation_year"): "year",
    ("roles", "role"): "role",
    ("roles", "grade"): "grade",
    ("roles", "is_primary"): "boolean",
    ("roles", "start_date"): "date",
    ("roles", "end_date"): "date",
    ("sections", "session_ids"): "list",
    ("enrollments", "role"): "role",
    ("sessions", "type"): "session type",
    ("sessions", "school_year"): "year",
    ("sessions", "start_date"): "date",
    ("sessions", "end_date"): "date",
    ("courses", "subject"): "subject",
    ("courses", "grade"): "grade",
    ("demographics", "sex"): "sex",
    ("demographics", "birth_date"): "date",
    ("demographics", "birth_state"): "us state",
    ("demographics", "ethnicity_codes"): "ethnicities",
    ("demographics", "race_codes"): "races",
    ("flags", "flag"): "flag",
    ("relationships", "role"): "relationship",
}
"""What kind of value a column of the roster holds; a column that is not here holds text."""
