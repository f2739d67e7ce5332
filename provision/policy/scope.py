"""Who and what is in scope: the schools of the profile, the sections of those schools, the persons at them."""

from __future__ import annotations

from provision.errors import ProfileError
from provision.profile import Profile
from provision.roster.codes import NO_ACCOUNT_ROLES
from provision.roster.dropped import was_dropped
from provision.store import Store
from provision.store.sql import literals

AFTER_ALL = 1 << 40  # more records than any file has


def select_scope(store: Store, profile: Profile) -> None:
    """Make `run.org_school`, `run.schools`, `run.sections` and `run.people`.

    A school is an org of a type in `schools.types`; every other org belongs to the nearest school above it. An
    empty `roster.schools` means all. What a finding holds is in none of these tables.
    """
    types = literals(kind.lower() for kind in profile.schools.types)
    _key_macro(store)
    store.run(f"""
        CREATE OR REPLACE TABLE run.org_school AS
        WITH RECURSIVE climb(org_id, at_id, depth) AS (
            SELECT id, id, 0 FROM roster.orgs
            UNION ALL
            SELECT c.org_id, o.parent_id, c.depth + 1
            FROM climb c JOIN roster.orgs o ON o.id = c.at_id
            WHERE o.parent_id IS NOT NULL AND lower(o.type) NOT IN {types} AND c.depth < 100
        )
        SELECT c.org_id, arg_min(o.id, c.depth) AS school_id
        FROM climb c JOIN roster.orgs o ON o.id = c.at_id
        WHERE lower(o.type) IN {types}
        GROUP BY c.org_id""")
    chosen = literals(profile.roster.schools)
    everything = "true" if not profile.roster.schools else "false"
    store.run(f"""
        CREATE OR REPLACE TABLE run.schools AS
        SELECT 'school:' || o.id AS key, o.*
        FROM roster.orgs o
        WHERE lower(o.type) IN {types} AND ({everything} OR o.id IN {chosen})
          AND o.id NOT IN (SELECT id FROM roster.held WHERE kind = 'org')""")
    _refuse_unknown_schools(store, profile)
    store.run(f"""
        CREATE OR REPLACE TABLE run.sections AS
        SELECT 'section:' || s.id AS key, o.school_id, s.*
        FROM roster.sections s LEFT JOIN run.org_school o ON o.org_id = s.org_id
        WHERE ({everything} OR o.school_id IN {chosen})
          AND s.id NOT IN (SELECT id FROM roster.held WHERE kind = 'section')""")
    _select_people(store, profile, everything, chosen)


def _select_people(store: Store, profile: Profile, everything: str, chosen: str) -> None:
    """One row per person: students have no other role; whoever has one counts as staff."""
    owners = literals(role.lower() for role in profile.sections.owner_roles)
    store.run(f"""
        CREATE OR REPLACE TABLE run.person_schools AS
        SELECT DISTINCT r.person_id, o.school_id
        FROM roster.roles r JOIN run.org_school o ON o.org_id = r.org_id
        WHERE {everything} OR o.school_id IN {chosen}""")
    # step by step, for the memory of a large district; the grade is that of the first primary role, or of the first,
    # and '' where that one could not be read
    grade = f"CASE WHEN {was_dropped('roles', 'grade', 'r')} THEN '' ELSE r.grade END"
    store.run(f"""
        CREATE OR REPLACE TABLE run.standing AS
        SELECT r.person_id,
               bool_and(lower(r.role) = 'student') AS is_student,
               bool_or(lower(r.role) IN {owners}) AS is_teacher,
               arg_min({grade}, CASE WHEN r.is_primary THEN 0 ELSE {AFTER_ALL} END + coalesce(r.record, 0)) AS grade
        FROM roster.roles r LEFT JOIN run.org_school o ON o.org_id = r.org_id
        WHERE lower(r.role) NOT IN {literals(NO_ACCOUNT_ROLES)}
        GROUP BY r.person_id
        HAVING {everything} OR bool_or(o.school_id IN {chosen})""")
    store.run("""
        CREATE OR REPLACE TABLE run.born AS
        SELECT person_id, any_value(birth_date) AS birth_date FROM roster.demographics
        WHERE birth_date IS NOT NULL GROUP BY person_id""")
    store.run("""
        CREATE OR REPLACE TABLE run.standing AS
        SELECT s.*, b.birth_date FROM run.standing s LEFT JOIN run.born b USING (person_id)""")
    store.run("""
        CREATE OR REPLACE TABLE run.people AS
        SELECT 'user:' || p.id AS key, s.is_student, s.is_teacher, nullif(s.grade, '') AS grade,
               s.grade = '' AS grade_dropped, s.birth_date, p.* EXCLUDE (password)
        FROM roster.persons p JOIN run.standing s ON s.person_id = p.id
        WHERE p.id NOT IN (SELECT id FROM roster.held WHERE kind = 'person')""")
    for table in ("born", "standing"):
        store.run(f"DROP TABLE run.{table}")


def _refuse_unknown_schools(store: Store, profile: Profile) -> None:
    """A school of the profile that neither the roster nor the ledger knows is a typing error."""
    unknown = [
        school
        for school in profile.roster.schools
        if not store.value(
            "SELECT count(*) FROM (SELECT key FROM run.schools UNION ALL SELECT key FROM ledger.objects "
            "UNION ALL SELECT 'school:' || id FROM roster.held WHERE kind = 'org') WHERE key = ?",
            [f"school:{school}"],
        )
    ]
    if unknown:
        raise ProfileError(
            "roster.schools in the profile names what is no school of the roster.",
            [f"{school}: no org with this id is of a type in schools.types" for school in unknown],
        )


def _key_macro(store: Store) -> None:
    """`run.part(id)`: an id that stands before a slash in a key, with its own slashes written %2F."""
    store.run("CREATE OR REPLACE MACRO run.part(x) AS replace(replace(x, '%', '%25'), '/', '%2F')")
