"""Schools: an educationSchool (administrative unit) per school in scope."""

from __future__ import annotations

from provision.policy.kinds import managed, only_in_education
from provision.policy.matching import match_by_anchor
from provision.policy.unique import anchor_of
from provision.profile import Profile
from provision.roster.checks.text import LONGEST
from provision.store import Store
from provision.store.sql import literals


def desire_schools(store: Store, profile: Profile, recreate: frozenset[str]) -> None:
    """Make `desired.schools`; a school is found again by its external id."""
    anchor = anchor_of(profile, "school", "id")
    store.run(f"CREATE OR REPLACE TABLE run.wanted_schools AS SELECT *, {anchor} AS anchor FROM run.schools")
    if not profile.schools.administrative_units:
        store.run("DELETE FROM run.wanted_schools")
    match_by_anchor(store, profile, "school", "run.wanted_schools", "current.schools", "external_id")
    set_aside_objects(store, "school", "run.wanted_schools", recreate)

    chosen = profile.schools.properties
    longest = LONGEST["orgs", "name"]
    store.run(f"""
        CREATE OR REPLACE TABLE desired.schools AS
        SELECT w.key, m.object_id, w.id AS org_id, w.anchor AS external_id, left(w.name, {longest}) AS display_name,
               {only_in_education(profile)("'sis'")} AS external_source,
               {managed("school_number", chosen, "w.number")} AS school_number,
               {managed("phone", chosen, "w.phone")} AS phone,
               {managed("principal", chosen, "w.principal_id")} AS principal_id,
               {managed("principal", chosen, "w.principal_name")} AS principal_name,
               {managed("principal", chosen, "w.principal_email")} AS principal_email,
               {managed("grades", chosen, "w.grade_low")} AS lowest_grade,
               {managed("grades", chosen, "w.grade_high")} AS highest_grade,
               {managed("address", chosen, "w.address")} AS street,
               {managed("address", chosen, "w.city")} AS city,
               {managed("address", chosen, "w.state")} AS state,
               {managed("address", chosen, "w.zip")} AS postal_code,
               {managed("address", chosen, "w.country")} AS country,
               w.file, w.record
        FROM run.wanted_schools w LEFT JOIN run.school_matches m ON m.key = w.key
        WHERE w.key NOT IN (SELECT key FROM run.set_aside WHERE kind = 'school')""")


def set_aside_objects(store: Store, kind: str, wanted: str, recreate: frozenset[str]) -> None:
    """Note the conflicts of `run.<kind>_matches`, what belongs to another profile, and the objects of ours that an
    admin deleted."""
    store.run(f"""
        INSERT INTO run.set_aside
        SELECT 'conflict', '{kind}', m.key, m.conflict, coalesce(a.file, w.file), coalesce(a.record, w.record), NULL
        FROM run.{kind}_matches m JOIN {wanted} w ON w.key = m.key
        LEFT JOIN run.accepted a ON a.key = m.key AND a.refused IS NOT NULL
        WHERE m.conflict IS NOT NULL""")
    store.run(f"""
        INSERT INTO run.set_aside
        SELECT 'conflict', '{kind}', w.key, 'other-profile', w.file, w.record, min(o.profile)
        FROM {wanted} w LEFT JOIN run.{kind}_matches m ON m.key = w.key
        JOIN run.others o ON o.kind = '{kind}' AND o.name = coalesce(m.object_id, w.key)
        WHERE m.conflict IS NULL GROUP BY ALL""")
    store.run(f"""
        INSERT INTO run.set_aside
        SELECT 'held', '{kind}', w.key, 'deleted-by-hand', w.file, w.record, NULL
        FROM {wanted} w JOIN ledger.objects l ON l.kind = '{kind}' AND l.key = w.key
        WHERE w.key NOT IN (SELECT key FROM run.{kind}_matches) AND w.key NOT IN {literals(sorted(recreate))}""")
