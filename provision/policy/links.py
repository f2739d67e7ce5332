"""Links: who owns and is in a section, which school a user and a section belong to, who is in which school group.

One table for all of them, `desired.links`: `left` is the object that is written, `right` what is linked to it.
A link whose person or section is set aside is not in it; what the roster *says* stays in `roster.enrollments`, and
only what it does not say can lead to a removal.
"""

from __future__ import annotations

from provision.profile import Profile
from provision.store import Store
from provision.store.sql import literals


def desire_links(store: Store, profile: Profile) -> None:
    """Make `desired.links (kind, key, left_key, right_key, left_id, right_id, role, org_id, file, record)`."""
    store.run("""
        CREATE OR REPLACE TABLE desired.links (
            kind TEXT, key TEXT, left_key TEXT, right_key TEXT, left_id TEXT, right_id TEXT, role TEXT, org_id TEXT,
            file TEXT, record BIGINT)""")
    _enrollments(store, profile)
    _school_users(store)
    _school_sections(store)
    _group_members(store)


def _enrollments(store: Store, profile: Profile) -> None:
    """Teachers are owners and members (Office apps need both, Graph educationClass); everyone else is a member."""
    owners = literals(role.lower() for role in profile.sections.owner_roles)
    store.run(f"""
        CREATE OR REPLACE TABLE run.enrolled AS
        SELECT e.section_id, e.person_id, bool_or(lower(e.role) IN {owners}) AS owns,
               bool_and(lower(e.role) = 'student') AS as_student,
               arg_min(e.file, e.record) AS file, min(e.record) AS record
        FROM roster.enrollments e
        LEFT JOIN roster.held h ON h.kind = 'enrollment' AND h.id = e.section_id AND h.other_id = e.person_id
        WHERE h.kind IS NULL
        GROUP BY ALL""")
    for kind, which in (("owner", "e.owns"), ("member", "true")):
        store.run(f"""
            INSERT INTO desired.links
            SELECT '{kind}', '{kind}:' || run.part(s.section_id) || '/' || u.person_id, s.key, u.key,
                   s.object_id, u.object_id,
                   CASE WHEN e.owns THEN 'teacher' WHEN e.as_student THEN 'student' ELSE 'other' END,
                   s.school_id, e.file, e.record
            FROM run.enrolled e
            JOIN desired.sections s ON s.section_id = e.section_id
            JOIN desired.users u ON u.person_id = e.person_id
            WHERE {which}""")


def _school_users(store: Store) -> None:
    store.run("""
        INSERT INTO desired.links
        SELECT 'school_user', 'school_user:' || run.part(s.org_id) || '/' || u.person_id, s.key, u.key,
               s.object_id, u.object_id, CASE WHEN u.is_student THEN 'student' ELSE 'staff' END, s.org_id,
               u.file, u.record
        FROM run.person_schools r
        JOIN desired.schools s ON s.org_id = r.school_id
        JOIN desired.users u ON u.person_id = r.person_id""")


def _school_sections(store: Store) -> None:
    store.run("""
        INSERT INTO desired.links
        SELECT 'school_section', 'school_section:' || run.part(s.org_id) || '/' || c.section_id, s.key, c.key,
               s.object_id, c.object_id, NULL, s.org_id, c.file, c.record
        FROM desired.sections c JOIN desired.schools s ON s.org_id = c.school_id""")


def _group_members(store: Store) -> None:
    """Students of the school in the students' group; teachers are those with a role that owns sections."""
    for whose, groups in (
        ("desired.users u", "g.org_id IS NULL"),
        ("run.person_schools r JOIN desired.users u USING (person_id)", "g.org_id = r.school_id"),
    ):
        store.run(f"""
            INSERT INTO desired.links
            SELECT 'group_member', 'group_member:' || replace(g.key, 'school_group:', '') || '/' || u.person_id,
                   g.key, u.key, g.object_id, u.object_id, CASE WHEN u.is_student THEN 'student' ELSE 'staff' END,
                   g.org_id, u.file, u.record
            FROM {whose} JOIN desired.school_groups g ON {groups}
            WHERE g.role = 'students' AND u.is_student OR g.role = 'teachers' AND u.is_teacher""")
