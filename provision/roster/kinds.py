"""Kinds of value: how each is judged and brought into its one form, as SQL.

A kind turns the SQL of a raw value (trimmed, NULL when blank) into the SQL of its canonical form, NULL when
the value cannot be used. The value is then dropped with a warning; where the column is required, the record
is dropped with an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

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
YEAR_READ_AS = Check(
    "school-year-read-as",
    "note",
    "A school year is written with both its years; it is read as the year in which it ends.",
    "Nothing to do; other tools may want the one year.",
)
FREE_SUBJECT = Check(
    "subject-free-text",
    "note",
    "A course subject is no code of the subject list; it is kept as text.",
    "Nothing to do; a two-digit subject code would also be understood by other tools.",
)
READ_AS_OTHER = Check(
    "read-as-other",
    "note",
    "A contact's relationship, or the role of a staff member, is a word that we do not know; it is read as other, "
    "or as staff.",
    "Nothing to do; a word of the list (docs: code lists) would say more.",
)
VALUE_CHECKS = [
    *(CODE, GRADE, GRADE_READ_AS, DATE, EMAIL, PHONE, BOOLEAN, YEAR, YEAR_READ_AS),
    *(FREE_SUBJECT, READ_AS_OTHER),
]

ISO = "YYYY-MM-DD"
FIRST_YEAR, LAST_YEAR = 1900, 2199
"""What a slip of the hand makes of a year is no date of a school."""

Expression = Callable[[str, RosterOptions], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a value is brought into form (`canonical`), what is said when it cannot be (`fault`, `expected`),
    and what is worth a note though it can (`note`, where the SQL of `noted` is true). A kind with a `fault` says
    nothing of a value that is in its canonical form. Values of a `various` kind seldom repeat."""

    canonical: Expression
    expected: str = ""
    fault: Check | None = None
    note: Check | None = None
    noted: Expression | None = None
    various: bool = False


def _coded(known: Mapping[str, str]) -> Expression:
    return lambda raw, _options: _lookup(raw, known)


def _lookup(raw: str, known: Mapping[str, str]) -> str:
    entries = ", ".join(f"{literal(spelling)}: {literal(value)}" for spelling, value in known.items())
    return f"MAP {{{entries}}}[lower({raw})]"


def _several_coded(known: Mapping[str, str]) -> Expression:
    return lambda raw, _options: _several(raw, known)


def _several(raw: str, known: Mapping[str, str]) -> str:
    """Values joined by commas, each of the list: one wrong value spoils the cell. Cells that are in form already,
    most of them, are let through by their shape: lists are dear."""
    value = f"({'|'.join(map(re.escape, dict.fromkeys(known.values())))})"
    values = f"list_transform(string_split({raw}, ','), lambda v: {_lookup('trim(v)', known)})"
    return (
        f"(CASE WHEN {raw} IS NULL OR regexp_full_match({raw}, {literal(f'{value}(,{value})*')}) THEN {raw} "
        f"WHEN list_count({values}) = len({values}) THEN array_to_string({values}, ',') END)"
    )


def _grade(raw: str, options: RosterOptions) -> str:
    return _lookup(raw, codes.grade_spellings(options.grade_labels))


def _grades(raw: str, options: RosterOptions) -> str:
    return _several(raw, codes.grade_spellings(options.grade_labels))


def _grades_differ(raw: str, options: RosterOptions) -> str:
    return f"lower({_grades(raw, options)}) <> lower(replace({raw}, ', ', ','))"


def _grade_differs(raw: str, options: RosterOptions) -> str:
    return f"lower({_grade(raw, options)}) <> lower({raw})"


def _clever_grade(raw: str, options: RosterOptions) -> str:
    known = codes.grade_spellings(options.grade_labels)
    return _lookup(raw, {**known, **codes.CLEVER_GRADES_SEEN, **codes.CLEVER_GRADES})


def _odd_for_clever(raw: str, options: RosterOptions) -> str:
    return f"{_lookup(raw, codes.CLEVER_GRADES)} IS NULL AND lower({_clever_grade(raw, options)}) <> lower({raw})"


def _lower_clever_grade(raw: str, options: RosterOptions) -> str:
    """Of a range the lower bound, if both bounds are grades."""
    low, high = (_clever_grade(f"trim(split_part({raw}, '-', {part}))", options) for part in (1, 2))
    return f"coalesce({_clever_grade(raw, options)}, CASE WHEN {high} IS NOT NULL THEN {low} END)"


def _date(raw: str, options: RosterOptions) -> str:
    """A date, or the date of a moment as ISO 8601 writes it."""
    moment = r"^(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?$"
    day = f"CASE WHEN length({raw}) > 10 THEN regexp_extract({raw}, '{moment}', 1) ELSE {raw} END"
    return date_in(f"({day})", options.date_formats)


def date_in(raw: str, forms: Sequence[str]) -> str:
    """SQL of a date, NULL where the text has none of the forms; a year of two digits is one from 1969
    to 2068.

    A form is tried only where the text has its shape: 98 is no year of four digits, and a failing attempt is dear.
    """
    patterns: dict[str, list[str]] = {}
    for form in forms:
        patterns.setdefault(_shape(form), []).append(literal(date_pattern(form, short_years=True)))
    # what has no separators has a shape that any text of its length has
    by_shape = sorted(patterns.items(), key=lambda each: not each[0].strip("_"))
    tried = (
        f"WHEN {raw} LIKE {literal(shape)} THEN try_strptime({raw}, [{', '.join(alike)}])" for shape, alike in by_shape
    )
    parsed = f"CASE {' '.join(tried)} END"
    return f"(CASE WHEN year({parsed}) BETWEEN {FIRST_YEAR} AND {LAST_YEAR} THEN ({parsed})::DATE END)"


def _shape(form: str) -> str:
    """What a date of this form is LIKE; without separators a month of one digit cannot be told from the day."""
    return "_" * len(form) if form.isalpha() else re.sub("[MD]+", "%", form.replace("Y", "_"))


def date_patterns(options: RosterOptions) -> list[str]:
    """The date formats of the profile as strptime writes them; raises `RosterError` when one is none."""
    return [date_pattern(form) for form in options.date_formats]


def date_pattern(form: str, *, short_years: bool = False) -> str:
    """A date format as strptime writes it. `short_years` allows YY, which only a roster format may have of its own."""
    parts = {"YYYY": "%Y", "MM": "%m", "M": "%m", "DD": "%d", "D": "%d", **({"YY": "%y"} if short_years else {})}
    pattern = re.sub("YYYY|YY|MM?|DD?", lambda found: parts.get(found[0], found[0]), form)
    whole = sorted(re.findall("%.", pattern.lower())) == ["%d", "%m", "%y"]
    if not whole or re.search("[A-Za-z%]", re.sub("%.", "", pattern)):
        raise RosterError(
            f"'{form}' in date_formats is not a date format.", ["Write one such as YYYY-MM-DD or M/D/YYYY."]
        )
    return pattern


def with_own_dates(options: RosterOptions, own: Sequence[str]) -> RosterOptions:
    """The options with the date formats that a roster format has of its own.

    Left out is what contradicts the profile: where that has D/M/YYYY, 4/2/2026 is not tried as M/D/YYYY as well.
    """
    other_order = {(_separators(form), not _day_first(form)) for form in options.date_formats}
    fitting = (form for form in own if (_separators(form), _day_first(form)) not in other_order)
    return replace(options, date_formats=tuple(dict.fromkeys((*options.date_formats, *fitting))))


def _separators(form: str) -> str:
    return re.sub("[MD]+", "%", re.sub("Y+", "Y", form))


def _day_first(form: str) -> bool:
    return form.index("D") < form.index("M")


def _email(raw: str, _options: RosterOptions) -> str:
    """An addr-spec of RFC 5322, section 3.4.1, without its quoted and obsolete forms, which no school has, within
    the lengths of RFC 5321; in lower case."""
    word, label = "[a-z0-9!#$%&'*+/=?^_`{|}~-]+", "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
    shape = rf"{word}(\.{word})*@({label}\.)+{label}"
    fits = f"length({raw}) <= 254 AND strpos({raw}, '@') <= 65"
    return f"(CASE WHEN regexp_full_match(lower({raw}), {literal(shape)}) AND {fits} THEN lower({raw}) END)"


def _phone(raw: str, _options: RosterOptions) -> str:
    bare = rf"regexp_replace({raw}, '[()\-. ]', '', 'g')"
    return rf"(CASE WHEN regexp_full_match({bare}, '\+?[0-9]{{3,15}}') THEN {bare} END)"


def _boolean(raw: str, _options: RosterOptions) -> str:
    return f"(CASE lower({raw}) WHEN 'true' THEN true WHEN 'false' THEN false END)"


def _year(raw: str, _options: RosterOptions) -> str:
    return f"(CASE WHEN regexp_full_match({raw}, '(19|2[01])[0-9][0-9]') THEN {raw} END)"


def _school_year(raw: str, options: RosterOptions) -> str:
    """The ending year of 2025-2026, 2025/2026 or 2025-26."""
    both = "'^([0-9]{4}) ?[-/] ?([0-9]{4}|[0-9]{2})$'"
    ends = f"(try_cast(regexp_extract({raw}, {both}, 1) AS INTEGER) + 1)::TEXT"
    whole = f"CASE WHEN ends_with({ends}, regexp_extract({raw}, {both}, 2)) THEN {_year(ends, options)} END"
    return f"coalesce({_year(raw, options)}, {whole})"


def _list(raw: str, _options: RosterOptions) -> str:
    return f"list_filter(list_transform(string_split({raw}, ','), lambda v: trim(v)), lambda v: v <> '')"


def _as_it_is(raw: str, _options: RosterOptions) -> str:
    return raw


def _code_kind(known: Mapping[str, str], what: str) -> Kind:
    return Kind(_coded(known), what, CODE)


def _or_other(known: Mapping[str, str], other: str) -> Kind:
    """A word that is not in the list is no reason to drop the record: it is read as `other`, with a note."""
    return Kind(
        lambda raw, _options: f"coalesce({_lookup(raw, known)}, {literal(other)})",
        note=READ_AS_OTHER,
        noted=lambda raw, _options: f"{_lookup(raw, known)} IS NULL",
    )


_SUBJECTS = codes.spellings(codes.SUBJECTS)

KINDS: dict[str, Kind] = {
    "text": Kind(_as_it_is),
    "list": Kind(_list),
    "list of one": Kind(lambda raw, _options: f"CASE WHEN {raw} IS NOT NULL THEN [{raw}] END"),
    "org type": _code_kind(codes.spellings(codes.ORG_TYPES), "an organisation type of the list"),
    "role": _code_kind(codes.ROLE_SPELLINGS, "a role of the list"),
    "session type": _code_kind(codes.spellings(codes.SESSION_TYPES), "a session type of the list"),
    "sex": _code_kind(codes.spellings(codes.SEXES), "male, female or notSelected"),
    "flag": _code_kind(codes.spellings(codes.FLAGS), "a user flag of the list"),
    "relationship": _code_kind(codes.spellings(codes.RELATIONSHIPS), "a relationship of the list"),
    "us state": _code_kind(codes.spellings(codes.US_STATES), "the postal code of a US state"),
    "subject": _code_kind(_SUBJECTS, "a subject code (01 to 24)"),
    "free subject": Kind(
        _as_it_is, note=FREE_SUBJECT, noted=lambda raw, _options: f"{_lookup(raw, _SUBJECTS)} IS NULL"
    ),
    "ethnicities": Kind(_several_coded(codes.spellings(codes.ETHNICITIES)), "a list of ethnicity codes", CODE),
    "races": Kind(_several_coded(codes.spellings(codes.RACES)), "a list of race codes", CODE),
    "grade": Kind(_grade, "a grade of the list", GRADE, note=GRADE_READ_AS, noted=_grade_differs),
    "date": Kind(_date, "a date in a form that the profile allows", DATE),
    "grades": Kind(_grades, "a grade of the list, nor several", GRADE, note=GRADE_READ_AS, noted=_grades_differ),
    "oneroster role": _code_kind(codes.ONEROSTER_ROLES, "a role of the list"),
    "oneroster sex": _code_kind(codes.ONEROSTER_SEXES, "male, female, unspecified or other"),
    "class type": _code_kind(codes.spellings(codes.CLASS_TYPES), "homeroom or scheduled"),
    "school year": Kind(
        _school_year,
        "a year",
        YEAR,
        note=YEAR_READ_AS,
        noted=lambda raw, options: f"{_school_year(raw, options)} <> {raw}",
    ),
    "clever grade": Kind(_clever_grade, "a grade of the list", GRADE, note=GRADE_READ_AS, noted=_odd_for_clever),
    "clever grade or range": Kind(_lower_clever_grade, "a grade or a range of grades", GRADE),
    "clever sex": _code_kind(codes.CLEVER_SEXES, "M, F or X"),
    "clever race": _code_kind(codes.CLEVER_RACES, "one of A, B, I, M, P and W"),
    "clever lunch": _code_kind(codes.CLEVER_LUNCHES, "F, R or N"),
    "relationship or other": _or_other(codes.spellings(codes.RELATIONSHIPS), "other"),
    "clever relationship": _or_other(codes.CLEVER_CONTACTS, "other"),
    "clever staff role": _or_other(codes.CLEVER_STAFF, "staff"),
    **{
        f"Y for {said}": _code_kind(dict.fromkeys(("y", "yes"), said), "Y or N")
        for said in ("ELL", "IEP", "hispanicOrLatinoEthnicity")
    },
    "email": Kind(_email, "an e-mail address", EMAIL, various=True),
    "phone": Kind(_phone, "a telephone number", PHONE, various=True),
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
    ("enrollments", "is_primary"): "boolean",
    ("enrollments", "start_date"): "date",
    ("enrollments", "end_date"): "date",
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
