"""The kinds of the plan, described once: what the desired and the current tables share.

An *object* kind has a table of the same columns on both sides and is created or updated. A *link* kind joins two
objects and is added or removed. Planning, staleness and reports loop over these two lists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provision.profile import Profile


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """`fields` are compared; a NULL in `desired` means that we do not manage the value."""

    name: str
    desired: str
    current: str
    fields: tuple[str, ...]
    create_rule: str
    at_creation: tuple[str, ...] = ()
    """Fields that are written when the object is made and never again."""
    wholes: tuple[tuple[str, ...], ...] = ()
    """Fields that are one value on the wire: when one changes, all of them are sent, ours and those we leave
    alone, since nothing says whether Graph merges such a value or replaces it."""

    @property
    def updated(self) -> tuple[str, ...]:
        """The fields that an update may carry."""
        return tuple(field for field in self.fields if field not in self.at_creation)


@dataclass(frozen=True, slots=True)
class LinkKind:
    """`left` is the object that is written, `right` what is linked to it (names as in the plan's lines)."""

    name: str
    left: str
    right: str
    bundle: str | None = None
    """Links of one left object with the same word here ride in one request; None: each has its own."""


USER = ObjectKind(
    "user", "desired.users", "current.users",
    ("user_principal_name", "mail_nickname", "display_name", "given_name", "family_name", "middle_name",
     "job_title", "usage_location", "age_group", "primary_role", "external_source", "student_id", "teacher_id",
     "grade", "student_number", "graduation_year", "birth_date", "teacher_number"),
    create_rule="L1",
    at_creation=("user_principal_name", "mail_nickname"),
    wholes=(("student_id", "grade", "student_number", "graduation_year", "birth_date"),
            ("teacher_id", "teacher_number")),
)  # fmt: skip
SCHOOL = ObjectKind(
    "school", "desired.schools", "current.schools",
    ("external_id", "display_name", "external_source", "school_number", "phone", "principal_id", "principal_name",
     "principal_email", "lowest_grade", "highest_grade", "street", "city", "state", "postal_code", "country"),
    create_rule="school-in-roster",
    wholes=(("street", "city", "state", "postal_code", "country"),),
)  # fmt: skip
SECTION = ObjectKind(
    "section", "desired.sections", "current.sections",
    ("external_id", "display_name", "mail_nickname", "description", "external_name", "external_source",
     "class_code", "grade", "course_id", "course_name", "course_number", "course_description", "course_subject",
     "term_id", "term_name", "term_start", "term_end"),
    create_rule="section-in-roster",
    at_creation=("mail_nickname", "description"),
    wholes=(("course_id", "course_name", "course_number", "course_description", "course_subject"),
            ("term_id", "term_name", "term_start", "term_end")),
)  # fmt: skip
SCHOOL_GROUP = ObjectKind(
    "school_group", "desired.school_groups", "current.school_groups",
    ("unique_name", "display_name", "mail_nickname", "description"),
    create_rule="school-group-selected",
    at_creation=("unique_name", "mail_nickname", "description"),
)  # fmt: skip


def managed(field: str, properties: tuple[str, ...], column: str) -> str:
    """SQL for a value that is ours to manage only if the profile selects it: NULL means that we leave it alone."""
    return column if field in properties else "NULL::TEXT"


def only_in_education(profile: Profile) -> Callable[[str], str]:
    """SQL for a value that only the education endpoints keep: NULL in other tenants."""
    return lambda column: column if profile.tenant.education else "NULL::TEXT"


OBJECTS: tuple[ObjectKind, ...] = (USER, SCHOOL, SECTION, SCHOOL_GROUP)

LICENSE = LinkKind("license", "user", "sku", bundle="license")
GROUP_LICENSE = LinkKind("group_license", "school_group", "sku", bundle="license")
OWNER = LinkKind("owner", "section", "user", bundle="group")
MEMBER = LinkKind("member", "section", "user", bundle="group")
SCHOOL_USER = LinkKind("school_user", "school", "user")
SCHOOL_SECTION = LinkKind("school_section", "school", "section")
GROUP_MEMBER = LinkKind("group_member", "school_group", "user", bundle="group")

LINKS: tuple[LinkKind, ...] = (LICENSE, GROUP_LICENSE, OWNER, MEMBER, SCHOOL_USER, SCHOOL_SECTION, GROUP_MEMBER)
READ_WITH_OBJECTS = "('license', 'group_license')"
"""SQL for the kinds of links that stand on the objects themselves; the others are read object by object."""

MOST_REFERENCES = 20  # links in one PATCH, owners and members together (learn.microsoft.com, group-post-members)


def bundle_sql(id_: str = "id") -> str:
    """SQL over changes (`kind`, `action`, `left_key`, and their `id_`): those that may share a request have the same
    value."""
    cases = " ".join(f"WHEN '{kind.name}' THEN '{kind.bundle} ' || left_key" for kind in LINKS if kind.bundle)
    return f"CASE WHEN action = 'add' THEN CASE kind {cases} ELSE {id_} END ELSE {id_} END"


ORDER = (
    "user", "license", "school", "section", "school_group", "group_license", "owner", "member", "school_user",
    "school_section", "group_member", "team", "contact",
)  # fmt: skip
"""The plan's kinds, in the order in which its lines stand."""
