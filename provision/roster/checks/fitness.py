"""What Microsoft 365 needs of a person or a section, beyond what the file format asks."""

from __future__ import annotations

from provision.roster.check import Check
from provision.roster.checks.rule import Rule, always
from provision.roster.options import RosterOptions
from provision.store.sql import literals

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
    "A username has a character that a sign-in name cannot have; the person is held. A warning that changes "
    "nothing "
    "where accounts are only matched.",
    "Use letters, digits and ' . - _ ! # ^ ~ only, with at most one @ before the domain.",
)
SECTION_ID = Check(
    "section-id-characters",
    "error",
    "A section id has a character that a mail alias cannot have; the section is held. A note where the "
    "profile has "
    "replace_special_characters, for then the alias gets _ in its place.",
    "Use other ids, or set replace_special_characters in the profile.",
)
SECTION_ID_LENGTH = Check(
    "section-id-length",
    "error",
    "The alias Section_<id> would be longer than 64 characters; the section is held.",
    "Use shorter section ids.",
)
INACTIVE = Check(
    "inactive-record",
    "note",
    "The status of a person or section is something other than Active or blank. It is held: provision "
    "changes "
    "nothing for it, and does not take it for gone.",
    "Nothing to do; leave the record out of the export to have it treated as gone.",
)

ALIAS_LIMIT = 64
_USERNAME = "^[A-Za-z0-9''.\\-_!#^~]+(@[A-Za-z0-9.\\-]+)?$"
_ALIAS = "^[A-Za-z0-9!$''+\\-=^_`]+$"
r"""ASCII without white space and ~ " # % & * : < > ? / \ { | } . @ ( ) [ ] ; ,"""


def _in_groups(persons: str, options: RosterOptions) -> str:
    """FROM and WHERE of those of `persons` (a SELECT with an id) whose accounts the profile creates.

    Any role but student makes staff.
    """
    return f"""
        FROM ({persons}) p JOIN (
            SELECT person_id AS id,
                CASE WHEN bool_or(role <> 'student') THEN 'staff' ELSE 'students' END AS belongs
            FROM roster.roles WHERE person_id IN (SELECT id FROM ({persons})) GROUP BY person_id) USING (id)
        WHERE belongs IN {literals(sorted(options.names_required))}"""


def _nameless(column: str) -> Rule:
    def find(options: RosterOptions) -> str:
        return f"""
            SELECT file, record, NULL::TEXT AS value, id, NULL::TEXT AS other_id,
                'An account cannot be created without this name.' AS message
            {_in_groups(f"FROM roster.persons WHERE {column} IS NULL", options)}"""

    return Rule(NAMES, "persons", column, find, holds="person")


_ODD_USERNAMES = f"SELECT * FROM roster.persons WHERE NOT regexp_matches(username, '{_USERNAME}')"


def _unfit_usernames(options: RosterOptions) -> str:
    return f"""
        SELECT file, record, username AS value, id, NULL::TEXT AS other_id,
            'A sign-in name cannot be made of this.' AS message
        {_in_groups(_ODD_USERNAMES, options)}"""


def _odd_usernames(options: RosterOptions) -> str:
    held = f"SELECT id {_in_groups(_ODD_USERNAMES, options)}"
    return f"""
        SELECT file, record, username AS value,
            'No sign-in name is made of this.' AS message
        FROM ({_ODD_USERNAMES}) WHERE id NOT IN ({held})"""


def _section_ids(wanted: bool) -> Rule:
    """The same look with and without replacement: a note, or an error that holds."""

    def find(options: RosterOptions) -> str:
        return f"""
            SELECT file, record, id AS value, id, NULL::TEXT AS other_id,
                'An alias cannot have every character of this.' AS message
            FROM roster.sections
            WHERE NOT regexp_matches(id, '{_ALIAS}') AND {options.replace_special_characters is wanted}"""

    return (
        Rule(SECTION_ID, "sections", "id", find, severity="note")
        if wanted
        else Rule(SECTION_ID, "sections", "id", find, holds="section")
    )


_LONG_IDS = f"""
    SELECT file, record, id AS value, id, NULL::TEXT AS other_id,
        'The alias would have ' || length('Section_' || id) || ' characters.' AS message
    FROM roster.sections WHERE length('Section_' || id) > {ALIAS_LIMIT}"""


def _inactive(table: str) -> str:
    return f"""
        SELECT file, record, status AS value, id, NULL::TEXT AS other_id,
            'This record is not active; nothing is changed for it.' AS message
        FROM roster.{table} WHERE lower(status) <> 'active'"""


FITNESS = [
    *(_nameless(column) for column in ("given_name", "family_name")),
    Rule(USERNAME, "persons", "username", _unfit_usernames, holds="person"),
    Rule(USERNAME, "persons", "username", _odd_usernames, severity="warning"),
    _section_ids(wanted=False),
    _section_ids(wanted=True),
    Rule(SECTION_ID_LENGTH, "sections", "id", always(_LONG_IDS), holds="section"),
    Rule(INACTIVE, "persons", "status", always(_inactive("persons")), holds="person"),
    Rule(INACTIVE, "sections", "status", always(_inactive("sections")), holds="section"),
]
FITNESS_CHECKS = [NAMES, USERNAME, SECTION_ID, SECTION_ID_LENGTH, INACTIVE]
