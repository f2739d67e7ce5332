"""Sections: an educationClass (Microsoft 365 group, alias `Section_<id>`) per section in scope."""

from __future__ import annotations

from provision.policy.kinds import managed, only_in_education
from provision.policy.matching import match_by_anchor
from provision.policy.schools import set_aside_objects
from provision.policy.template import template_sql
from provision.policy.unique import anchor_of
from provision.profile import Profile, placeholders
from provision.roster.addresses import section_alias
from provision.roster.checks.text import LONGEST
from provision.roster.dropped import any_dropped, was_dropped
from provision.store import Store
from provision.store.sql import literals


def desire_sections(store: Store, profile: Profile, recreate: frozenset[str]) -> None:
    """Make `desired.sections`; a section is found again by its external id, never by its name or alias."""
    anchor = anchor_of(profile, "section", "s.id")
    alias = section_alias("s.id", replace=profile.roster.replace_special_characters)
    store.run(f"""
        CREATE OR REPLACE TABLE run.wanted_sections AS
        SELECT s.*, {anchor} AS anchor, {alias} AS alias,
               c.id AS course_key, c.title AS course_name, c.code AS course_number,
               c.description AS course_description, c.subject AS course_subject, c.grade AS course_grade,
               t.id AS term_id, t.title AS term_name, t.start_date::TEXT AS term_start, t.end_date::TEXT AS term_end,
               o.name AS school_name,
               {was_dropped("courses", "subject", "c")} AS subject_dropped
        FROM (
            SELECT s.*, {was_dropped("sections", "course_id", "s")} AS course_dropped,
                   {was_dropped("sections", "session_ids", "s")} AS term_dropped,
                   {was_dropped("sections", "grade", "s")} AS grade_dropped,
                   s.school_id IS NULL AND {any_dropped("orgs", "parent_id")} AS school_dropped
            FROM run.sections s) s
        LEFT JOIN roster.courses c ON c.id = s.course_id
        LEFT JOIN roster.sessions t ON t.id = s.session_ids[1] AND NOT s.term_dropped
        LEFT JOIN roster.orgs o ON o.id = s.school_id""")
    if not profile.sections.enabled:
        store.run("DELETE FROM run.wanted_sections")
    match_by_anchor(store, profile, "section", "run.wanted_sections", "current.sections", "external_id")
    set_aside_objects(store, "section", "run.wanted_sections", recreate)
    _set_aside_taken_aliases(store)
    if profile.sections.require_teacher:
        _set_aside_teacherless(store, profile)
    _make(store, profile)


def _set_aside_taken_aliases(store: Store) -> None:
    """An alias is unique among Microsoft 365 groups, without regard to case."""
    store.run("""
        INSERT INTO run.set_aside
        SELECT 'held', 'section', w.key, 'alias-taken', w.file, w.record, NULL
        FROM run.wanted_sections w
        WHERE w.key NOT IN (SELECT key FROM run.section_matches)
          AND (lower(w.alias) IN (SELECT lower(mail_nickname) FROM current.groups WHERE unified)
               OR lower(w.alias) IN (SELECT lower(alias) FROM run.wanted_sections GROUP BY ALL HAVING count(*) > 1))""")


def _set_aside_teacherless(store: Store, profile: Profile) -> None:
    owners = literals(role.lower() for role in profile.sections.owner_roles)
    store.run(f"""
        INSERT INTO run.set_aside
        SELECT 'held', 'section', w.key, 'no-teacher', w.file, w.record, NULL
        FROM run.wanted_sections w
        WHERE w.id NOT IN (SELECT section_id FROM roster.enrollments WHERE lower(role) IN {owners})""")


def _make(store: Store, profile: Profile) -> None:
    chosen = profile.sections.properties
    names = {
        "title": "w.title",
        "code": "w.code",
        "number": "w.number",
        "course": "w.course_name",
        "term": "w.term_name",
        "school": "w.school_name",
        "id": "w.id",
    }
    longest = LONGEST["sections", "title"]
    title = f"left(w.title, {longest})"
    grade = "CASE WHEN NOT w.grade_dropped THEN coalesce(w.grade, w.course_grade) END"
    subject = "CASE WHEN NOT (w.course_dropped OR w.subject_dropped) THEN coalesce(w.course_subject, w.subject) END"
    of_education = only_in_education(profile)
    store.run(f"""
        CREATE OR REPLACE TABLE desired.sections AS
        SELECT w.key, m.object_id, w.id AS section_id, w.school_id, w.anchor AS external_id,
               CASE WHEN m.object_id IS NULL OR NOT ({_keeps_name(profile)})
                    THEN left(coalesce({template_sql(profile.sections.display_name, names)}, w.title), {longest})
               END AS display_name,
               w.alias AS mail_nickname, {title} AS description,
               {of_education(title)} AS external_name, {of_education("'sis'")} AS external_source,
               {managed("class_code", chosen, "coalesce(w.code, w.number)")} AS class_code,
               {managed("grade", chosen, grade)} AS grade,
               {managed("course", chosen, "w.course_key")} AS course_id,
               {managed("course", chosen, "w.course_name")} AS course_name,
               {managed("course", chosen, "w.course_number")} AS course_number,
               {managed("course", chosen, "w.course_description")} AS course_description,
               {managed("course", chosen, subject)} AS course_subject,
               {managed("term", chosen, "w.term_id")} AS term_id,
               {managed("term", chosen, "w.term_name")} AS term_name,
               {managed("term", chosen, "w.term_start")} AS term_start,
               {managed("term", chosen, "w.term_end")} AS term_end,
               w.file, w.record
        FROM run.wanted_sections w LEFT JOIN run.section_matches m ON m.key = w.key
        WHERE w.key NOT IN (SELECT key FROM run.set_aside WHERE kind = 'section')""")


def _keeps_name(profile: Profile) -> str:
    """SQL: whether a section that is there is called as it is: by its teachers, or since its name would lack something
    that could not be read."""
    if profile.sections.teachers_own_name:
        return "true"
    used = {*placeholders(profile.sections.display_name)} & {"course", "term", "school"}
    return " OR ".join(f"w.{each}_dropped" for each in sorted(used)) or "false"
