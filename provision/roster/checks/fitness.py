"""What Microsoft 365 needs of a person or a section, beyond what the file format asks."""

from __future__ import annotations

from provision.errors import RosterError
from provision.roster.addresses import ALIAS_LIMIT, ALIAS_REFUSED, is_sign_in_name, section_alias
from provision.roster.check import Check
from provision.roster.checks.rule import Rule, always, first_of_each, in_rows
from provision.roster.codes import NO_ACCOUNT_ROLES
from provision.roster.options import RosterOptions
from provision.store import Store
from provision.store.sql import literal, literals

NAMES = Check(
    "name-missing",
    "error",
    "A person whose account may have to be created has no first or last name; they are held. "
    "Looked at only for the groups that the profile creates.",
    "Fill in the name, or set the mode of the group to existing in the profile.",
)
USERNAME = Check(
    "username-characters",
    "error",
    "A username cannot be made into a sign-in name: white space or another character that is not allowed, a dot at "
    "its end, or more than 64 characters. The person is held. A warning that changes nothing where accounts are only "
    "matched, or where the profile has another way to name them.",
    "Use letters, digits and ' . - _ ! # ^ ~ only, at most 64 of them, with at most one @ before the domain.",
)
SECTION_ID = Check(
    "section-id-characters",
    "error",
    "A section id has a character that a mail alias cannot have; the section is held. A note where the profile has "
    "replace_special_characters, for then the alias gets _ in its place.",
    "Use other ids, or set replace_special_characters in the profile.",
)
SECTION_ID_LENGTH = Check(
    "section-id-length",
    "error",
    "The alias Section_<id> would be longer than 64 characters; the section is held.",
    "Use shorter section ids.",
)
SECTION_TITLE = Check(
    "section-title",
    "error",
    "A section has no title, and none can be made of its course or of its teacher's name; the section is held.",
    "Fill in the section's name in the school's information system.",
)
ID_CHARACTERS = Check(
    "id-characters",
    "note",
    "The id of a person or an organisation has white space, or a letter or sign beyond ASCII. It is kept as it is.",
    "Nothing to do; other tools are likely to refuse it or to make a name of it that is not found again.",
)
INACTIVE = Check(
    "inactive-record",
    "note",
    "The status of a person, section, role or enrollment is something other than Active or blank. What it speaks of "
    "is held: provision changes nothing for it, and does not take it for gone.",
    "Nothing to do; leave the record out of the export to have it treated as gone.",
)

_ODD_USERNAME = f"NOT {is_sign_in_name('username')}"
_ALIAS_LENGTH = f"length({section_alias('id', replace=False)})"


def _in_groups(persons: str, groups: frozenset[str]) -> str:
    """FROM and WHERE of those of `persons` (a SELECT with an id) who are in one of the groups.

    Any role but student makes staff; whoever is only a contact is in none.
    """
    return f"""
        FROM ({persons}) p JOIN (
            SELECT person_id AS id,
                CASE WHEN bool_or(role <> 'student') THEN 'staff' ELSE 'students' END AS belongs
            FROM roster.roles
            WHERE role NOT IN {literals(NO_ACCOUNT_ROLES)} AND person_id IN (SELECT id FROM ({persons}))
            GROUP BY person_id) USING (id)
        WHERE belongs IN {literals(sorted(groups))}"""


def _nameless(column: str) -> Rule:
    def find(options: RosterOptions) -> str:
        return f"""
            SELECT file, record, NULL::TEXT AS value, id, NULL::TEXT AS other_id,
                'An account cannot be created without this name.' AS message
            {_in_groups(f"FROM roster.persons WHERE {column} IS NULL", options.names_required)}"""

    return Rule(NAMES, "persons", column, find, holds="person", given=(("persons", "id"),))


def _odd_usernames(*, created: bool) -> Rule:
    """The same look at those who are created and at the others: an error that holds, or a warning."""
    odd = f"SELECT * FROM roster.persons WHERE {_ODD_USERNAME}"

    def find(options: RosterOptions) -> str:
        held = f"SELECT id {_in_groups(odd, options.usernames_required)}"
        return f"""
            SELECT file, record, username AS value, id, NULL::TEXT AS other_id,
                '{"A" if created else "No"} sign-in name {"cannot be" if created else "is"} made of this.' AS message
            FROM ({odd}) WHERE (id IN ({held})) = {created}"""

    return Rule(
        USERNAME,
        "persons",
        "username",
        find,
        holds="person" if created else "",
        severity=None if created else "warning",
        when=always(_ODD_USERNAME),
    )


def refuse_unmatched(store: Store, options: RosterOptions) -> None:
    """Raise `RosterError` where files with persons of a group lack the column by which their accounts are found:
    everybody would get another one."""
    faults = []
    for group, column in options.matched_by:
        given = f"SELECT file FROM header_of WHERE tbl = 'persons' AND col = {literal(column)}"
        lacking = f"SELECT DISTINCT file FROM header_of WHERE tbl = 'persons' AND file NOT IN ({given})"
        if not store.rows(lacking):
            continue  # as a rule, and nobody need be looked at
        persons = f"SELECT id, file FROM roster.persons WHERE file IN ({lacking})"
        files = store.rows(f"SELECT DISTINCT file {_in_groups(persons, frozenset({group}))} ORDER BY file")
        faults += [
            f"{file} has no column for the {column} of a person, by which the profile finds the accounts of {group}. "
            f"Export it, name it as the format does, or have {group}.match in the profile name another value."
            for (file,) in files
        ]
    if faults:
        raise RosterError("The roster does not say by what accounts are found.", faults)


def _section_ids(*, replaced: bool) -> Rule:
    """The same look with and without replacement: a note, or an error that holds."""
    return in_rows(
        SECTION_ID,
        ("sections", "id"),
        lambda options: (
            f"{options.replace_special_characters is replaced} AND regexp_matches(id, {literal(ALIAS_REFUSED)})"
        ),
        "'An alias cannot have every character of this.'",
        holds="" if replaced else "section",
        severity="note" if replaced else None,
    )


def _odd_ids(table: str) -> Rule:
    return first_of_each(
        ID_CHARACTERS,
        (table, "id"),
        always("(contains(id, ' ') OR contains(id, chr(9)) OR strlen(id) > length(id))"),
        "%d id(s), this one first, have white space or letters beyond ASCII.",
    )


def _inactive(table: str, kind: str, ids: tuple[str, str] = ("id", "NULL::TEXT")) -> Rule:
    odd = "lower(status) <> 'active'"
    find = f"""
        SELECT file, record, status AS value, {ids[0]} AS id, {ids[1]} AS other_id,
            'This record is not active; nothing is changed for it.' AS message
        FROM roster.{table} WHERE {odd}"""
    return Rule(INACTIVE, table, "status", always(find), holds=kind, when=always(odd))


FITNESS = [
    *(_nameless(column) for column in ("given_name", "family_name")),
    *(_odd_usernames(created=created) for created in (True, False)),
    *(_section_ids(replaced=replaced) for replaced in (False, True)),
    in_rows(
        SECTION_ID_LENGTH,
        ("sections", "id"),
        always(f"{_ALIAS_LENGTH} > {ALIAS_LIMIT}"),
        f"'The alias would have ' || {_ALIAS_LENGTH} || ' characters.'",
        holds="section",
    ),
    in_rows(
        SECTION_TITLE,
        ("sections", "title"),
        always("title IS NULL"),
        "'There is nothing to call it by.'",
        holds="section",
        given=(("sections", "id"),),
    ),
    *(_odd_ids(table) for table in ("persons", "orgs")),
    _inactive("persons", "person"),
    _inactive("sections", "section"),
    _inactive("roles", "person", ("person_id", "NULL::TEXT")),
    _inactive("enrollments", "enrollment", ("section_id", "person_id")),
]
FITNESS_CHECKS = [NAMES, USERNAME, SECTION_ID, SECTION_ID_LENGTH, SECTION_TITLE, ID_CHARACTERS, INACTIVE]
