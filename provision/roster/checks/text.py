"""What names and titles are made of: they are shown to people, so whatever went wrong with them will be seen."""

from __future__ import annotations

from provision.roster.check import Check
from provision.roster.checks.rule import Place, Rule, always, first_of_each, in_rows
from provision.roster.fill import REQUIRED
from provision.store.sql import literal, literals

GARBLED = Check(
    "garbled-text",
    "warning",
    "Names or titles were exported in the wrong encoding: JosÃ© for José, or a ? or � where a letter was lost. They "
    "are kept as they are.",
    "Export the file as UTF-8 from the school's information system, not by way of a spreadsheet.",
)
INVISIBLE = Check(
    "invisible-characters",
    "warning",
    "A name or a title has control characters, or marks that nobody sees; it is read without them.",
    "Type the value anew in the school's information system.",
)
PLACEHOLDER = Check(
    "placeholder-value",
    "note",
    "A name, a title or a number looks like a stand-in for nothing, as N/A or a dash does. It is kept as "
    "it is, for it may be somebody's name.",
    "Leave the cell blank where there is no value.",
)
TOO_LONG = Check(
    "value-too-long",
    "note",
    "A name or a title is longer than Microsoft 365 takes (64 characters for a first or last name, 128 for a job "
    "title, 256 for a section or a school); it will be cut.",
    "Shorten it in the school's information system.",
)

_NAMES: tuple[Place, ...] = tuple(
    ("persons", column)
    for column in ("given_name", "family_name", "middle_name", "preferred_given_name", "preferred_family_name")
)
_TITLES: tuple[Place, ...] = (("orgs", "name"), ("sections", "title"), ("courses", "title"), ("sessions", "title"))
LONGEST: dict[Place, int] = {
    ("persons", "given_name"): 64,
    ("persons", "family_name"): 64,
    ("persons", "title"): 128,
    ("sections", "title"): 256,
    ("orgs", "name"): 256,
}
"""Source: the pages of Microsoft Graph on users, groups and administrative units."""
_STAND_INS = (
    "n/a", "#n/a", "n.a.", "-", "--", ".", "none", "null", "(null)", "unknown", "undefined", "tbd",
)  # fmt: skip

_SIGNS = bytes(range(0x80, 0xA0)).decode("cp1252", "ignore").replace("\u2019", "")  # but the apostrophe
_LETTERS = "".join(sign for sign in _SIGNS if sign.upper() != sign.lower())
_OTHERS = "".join(sign for sign in _SIGNS if sign not in _LETTERS)
_GARBLED = rf"[ÂÃÄÅÎÏÐÑ][\x{{80}}-\x{{9F}}¡-¿{_OTHERS}]|Ã[\x{{A0}}\x{{2019}}{_LETTERS}]|â€|ï¿½|\x{{FFFD}}"
"""UTF-8 that was read as Windows-1252: the first byte of a letter shows as one of eight letters, what follows as a sign
that does not follow these in a name; after Ã, which leads the most, also as a letter that does not."""
_CONTROL = "*[\x01-\x1f\x7f]*"
_INVISIBLE = r"[\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}\x{2066}-\x{2069}\x{FEFF}]"
"""Not the joiners, which some scripts need."""
_GONE = rf"[\x01-\x1F\x7F]|{_INVISIBLE}"


def _beyond_ascii(column: str, pattern: str) -> str:
    """Whether a value matches a pattern that no plain ASCII matches: most values are that, and quickly told."""
    return (
        f"(CASE WHEN strlen({column}) > length({column}) THEN regexp_matches({column}, {literal(pattern)}) "
        "ELSE false END)"
    )


def _garbled(place: Place) -> Rule:
    table, column = place
    lost = f" OR contains({column}, '?')" if table == "persons" else ""  # in a title it may be a question

    return first_of_each(
        GARBLED,
        place,
        always(f"{_beyond_ascii(column, _GARBLED)}{lost}"),
        "%d value(s), this one first, do not look as they were written.",
    )


def _invisible(place: Place) -> Rule:
    table, column = place
    return in_rows(
        INVISIBLE,
        place,
        always(_has_invisible(column)),
        "'Characters that cannot be seen were left out.'",
        then=(f"UPDATE roster.{table} SET {column} = {_seen(column)} WHERE rowid IN (SELECT row_id FROM found)",),
    )


def _has_invisible(column: str) -> str:
    return f"({column} GLOB {literal(_CONTROL)} OR {_beyond_ascii(column, _INVISIBLE)})"


def _seen(column: str) -> str:
    """The value without what cannot be seen, or NULL."""
    return f"nullif(trim(regexp_replace(replace({column}, chr(9), ' '), {literal(_GONE)}, '', 'g')), '')"


def _stand_in(place: Place) -> Rule:
    _, column = place
    return first_of_each(
        PLACEHOLDER,
        place,
        always(f"lower({column}) IN {literals(_STAND_INS)}"),
        "This looks like a stand-in for no value, in %d record(s), this one first.",
        each=column,
    )


def _too_long(place: Place, longest: int) -> Rule:
    _, column = place
    return in_rows(
        TOO_LONG,
        place,
        always(f"length({column}) > {longest}"),
        f"'This has ' || length({column}) || ' characters; it will be cut at {longest}.'",
        value=f"left({column}, {longest})",
    )


def _nothing_seen(place: Place) -> Rule:
    """A name that is needed, and of which nothing can be seen, is none."""
    table, column = place
    return Rule(
        REQUIRED,
        table,
        column,
        always(
            f"SELECT file, record, {column} AS value, id, NULL::TEXT AS other_id, "
            f"'Nothing of the required value can be seen.' AS message FROM roster.{table} "
            f"WHERE {column} IS NOT NULL AND {_seen(column)} IS NULL"
        ),
        holds="org" if table == "orgs" else "",
        then=(f"DELETE FROM roster.{table} WHERE id IN (SELECT id FROM found)",),
        when=always(_has_invisible(column)),
    )


NOTHING_SEEN = [_nothing_seen(place) for place in _TITLES if place != ("sections", "title")]  # it may go by others
"""Records that go; what refers to them is judged afterwards."""

TEXT = [
    *(_garbled(place) for place in (*_NAMES, *_TITLES)),
    *(_invisible(place) for place in (*_NAMES, *_TITLES)),
    *(_stand_in(place) for place in (*_NAMES, *_TITLES, ("persons", "number"))),
    *(_too_long(place, longest) for place, longest in LONGEST.items()),
]
TEXT_CHECKS = [GARBLED, INVISIBLE, PLACEHOLDER, TOO_LONG]
