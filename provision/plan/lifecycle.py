"""The lifecycle: what happens when the roster says something, rule by rule.

The semantics are School Data Sync's documented ones (seed "How to deploy SDS by using PowerSchool Sync"): add and
update follow the roster, memberships of students end when the roster ends them, and nothing is ever deleted. Each
rule is one small function over the tables; `RULES` is the whole table, in the order in which it is carried out,
and the docs are generated from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from provision.plan.changes import add_links, create_objects, note, remove_links, update_objects
from provision.policy.kinds import (
    GROUP_LICENSE,
    GROUP_MEMBER,
    LICENSE,
    MEMBER,
    OWNER,
    SCHOOL,
    SCHOOL_GROUP,
    SCHOOL_SECTION,
    SCHOOL_USER,
    SECTION,
    USER,
)
from provision.policy.licenses import CLASS_SERVICES
from provision.profile import Profile
from provision.roster.dropped import any_dropped
from provision.store import Store

MASTERED = ("display_name", "given_name", "family_name", "job_title")
"""What Entra Connect masters on a synced user; education data and usage location stay ours to write."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`says` is what the roster (or the directory) shows, `happens` what becomes of it.

    `step` writes the changes and notes; None where matching has decided before the difference is taken.
    """

    id: str
    says: str
    happens: str
    step: Callable[[Store, Profile, date], None] | None


def l1_person_is_new(store: Store, profile: Profile, _today: date) -> None:
    """Creates for those whom the policy found nobody for; `policy.users` noted the unmatched."""
    create_objects(store, USER, split=profile.tenant.education)


def l2_attribute_changed(store: Store, profile: Profile, _today: date) -> None:
    """Managed values that differ, on users, schools and school groups."""
    mastered = "[" + ", ".join(f"'{field}'" for field in _mastered(profile)) + "]"
    update_objects(
        store, USER, "'L2'", but=f"CASE WHEN d.synced THEN {mastered} ELSE [] END", unless="d.protected",
        split=profile.tenant.education,
    )  # fmt: skip
    update_objects(store, SCHOOL, "'L2'")
    update_objects(store, SCHOOL_GROUP, "'L2'")


def l3_student_joins(store: Store, profile: Profile, today: date) -> None:
    """Everyone who is not a teacher; students wait for their start date (L12)."""
    wait = "n.role = 'student'" if _too_early(profile, today) else "false"
    respected = "n.was_ours AND n.role = 'student'" if profile.sections.hand_removals == "respect" else "false"
    add_links(store, MEMBER, "'L3'", f"n.role <> 'teacher' AND NOT ({wait}) AND NOT ({respected})")
    if profile.sections.hand_removals == "respect":
        note(store, "kept", "member", "hand-removal", f"""
            SELECT n.key, n.file, n.record, NULL AS field FROM run.new_links n
            WHERE n.kind = 'member' AND ({respected}) AND NOT ({wait})""")  # fmt: skip


def l4_student_leaves(store: Store, _profile: Profile, _today: date) -> None:
    """Only from a section that the roster still has, only what the ledger shows as ours, only what nothing holds."""
    school = "(SELECT s.school_id FROM desired.sections s WHERE s.key = k.left_key)"
    file = "(SELECT f.file FROM run.named_in f WHERE f.left_key = k.left_key)"
    remove_links(store, MEMBER, "L4", school, file, f"""
        k.role = 'student'
        AND (k.left_key, k.left_id) IN (SELECT (key, object_id) FROM desired.sections WHERE object_id IS NOT NULL)
        AND NOT EXISTS (FROM run.named n WHERE n.left_key = k.left_key AND n.right_key = k.right_key)
        AND NOT EXISTS (FROM run.named n WHERE n.left_key = k.left_key AND n.right_id = k.right_id)
        AND {_READABLE.format("'enrollments'")} AND {_KNOWN_PERSON}""")  # fmt: skip


_READABLE = "NOT EXISTS (SELECT 1 FROM roster.held h WHERE h.kind = 'unknown' AND h.id IN ({}))"
"""No record of these tables is so bad that nobody can tell whom it speaks of."""

_KNOWN_PERSON = """
        lower(k.right_key) NOT IN (SELECT lower('user:' || h.id) FROM roster.held h WHERE h.kind = 'person')
        AND (k.right_key LIKE 'user:student/%' OR k.right_key LIKE 'user:teacher/%') = (
            SELECT coalesce(bool_or(p.id <> p.source_id), false) FROM roster.persons p)"""
"""Nothing holds the person, and the roster names persons in the way in which the ledger remembers this one:
after a change of format, whoever was not matched is left alone."""


def l5_teacher_joins(store: Store, _profile: Profile, _today: date) -> None:
    """Owner and member."""
    add_links(store, OWNER, "'L5'")
    add_links(store, MEMBER, "'L5'", "n.role = 'teacher'")


def l6_teacher_leaves(store: Store, _profile: Profile, _today: date) -> None:
    """No change; said. So it is for members who are neither teacher nor student, an aide for example."""
    for kind, whose in ((OWNER, "true"), (MEMBER, "k.role = 'other'")):
        note(store, "kept", kind.name, "L6", f"""
            SELECT k.key, NULL AS file, NULL AS record, NULL AS field
            FROM run.known_links k
            JOIN desired.sections s ON s.key = k.left_key
            JOIN current.links c ON c.kind = k.kind AND c.left_id = k.left_id AND c.right_id = k.right_id
            WHERE k.kind = '{kind.name}' AND {whose}
              AND NOT EXISTS (FROM desired.links d WHERE d.kind = '{kind.name}' AND d.key = k.key)
              AND k.right_key NOT IN (SELECT key FROM run.set_aside WHERE kind = 'user')""")  # fmt: skip


def l7_person_gone(store: Store, _profile: Profile, _today: date) -> None:
    """Account, licences and school stay; L4 sees to the sections."""
    note(store, "kept", "user", "L7", """
        SELECT l.key, NULL AS file, NULL AS record, NULL AS field FROM ledger.objects l
        WHERE l.kind = 'user' AND NOT EXISTS (FROM roster.persons p WHERE 'user:' || p.id = l.key)
          AND l.key NOT IN (SELECT 'user:' || id FROM roster.held WHERE kind = 'person' AND id IS NOT NULL)
        """)  # fmt: skip


def l8_section_gone(store: Store, _profile: Profile, _today: date) -> None:
    """Gone, or out of the profile's scope: group and memberships stay."""
    note(store, "dormant", "section", "L8", """
        SELECT l.key, NULL AS file, NULL AS record, NULL AS field FROM ledger.objects l
        WHERE l.kind = 'section' AND l.key NOT IN (SELECT key FROM desired.sections)
          AND l.key NOT IN (SELECT key FROM run.set_aside WHERE kind = 'section')
          AND l.key NOT IN (SELECT 'section:' || id FROM roster.held WHERE kind = 'section' AND id IS NOT NULL)
        """)  # fmt: skip


def l9_school_gone(store: Store, _profile: Profile, _today: date) -> None:
    """Administrative unit, groups and memberships stay."""
    note(store, "kept", "school", "L9", """
        SELECT l.key, NULL AS file, NULL AS record, NULL AS field FROM ledger.objects l
        WHERE l.kind = 'school' AND l.key NOT IN (SELECT key FROM run.schools)
          AND l.key NOT IN (SELECT 'school:' || id FROM roster.held WHERE kind = 'org' AND id IS NOT NULL)
        """)  # fmt: skip


def l10_person_moves(store: Store, profile: Profile, _today: date) -> None:
    """Added to the new school; a student leaves the old one, and its group, only when the profile says `move`.

    Only where the roster still has both the student and the old school (what is gone is kept, L7 and L9), and
    only where every record about orgs, persons and roles could be read.
    """
    left = f"""
        k.role = 'student'
        AND EXISTS (FROM desired.links l
                    WHERE l.kind = 'school_user' AND l.role = 'student' AND l.right_key = k.right_key)
        AND {{org}} IN (SELECT s.id FROM run.schools s)
        AND NOT EXISTS (FROM run.person_schools s
                        WHERE s.school_id = {{org}} AND 'user:' || s.person_id = k.right_key)
        AND NOT {any_dropped("orgs", "parent_id")}
        AND NOT EXISTS (SELECT 1 FROM roster.held h WHERE h.kind = 'org')
        AND {_READABLE.format("'orgs', 'persons', 'roles'")} AND {_KNOWN_PERSON}"""
    school = "replace(k.left_key, 'school:', '')"
    left_school = left.format(org=school)
    if profile.schools.moves == "move":
        group = "(SELECT g.org_id FROM desired.school_groups g WHERE g.key = k.left_key)"
        file = "(SELECT min(r.file) FROM roster.roles r WHERE 'user:' || r.person_id = k.right_key)"
        remove_links(store, SCHOOL_USER, "L10", school, file, left_school)
        remove_links(store, GROUP_MEMBER, "L10", group, file, left.format(org=group))
    else:
        note(store, "kept", "school_user", "L10", f"""
            SELECT k.key, NULL AS file, NULL AS record, NULL AS field FROM run.ending k
            WHERE k.kind = 'school_user' AND {left_school}""")  # fmt: skip
    moved = "n.right_key IN (SELECT l.right_key FROM run.known_links l WHERE l.kind = 'school_user')"
    add_links(store, SCHOOL_USER, f"CASE WHEN {moved} THEN 'L10' ELSE 'person-at-school' END")


def l11_section_renamed(store: Store, _profile: Profile, _today: date) -> None:
    """The display name follows, unless teachers own it: then the policy leaves it out after creation."""
    update_objects(store, SECTION, "CASE WHEN list_contains(changed, 'display_name') THEN 'L11' ELSE 'L2' END")


def l12_before_student_start(store: Store, profile: Profile, today: date) -> None:
    """Sections and teachers are made; student members wait, and are said to."""
    if _too_early(profile, today):
        note(store, "deferred", "member", "L12", """
            SELECT n.key, n.file, n.record, NULL AS field FROM run.new_links n
            WHERE n.kind = 'member' AND n.role = 'student'""")  # fmt: skip


def l14_added_by_hand(store: Store, _profile: Profile, _today: date) -> None:
    """Never removed; said, so that nobody wonders."""
    for kind in (OWNER, MEMBER):
        note(store, "kept", kind.name, "L14", f"""
            SELECT '{kind.name}:' || run.part(s.section_id) || '/' || coalesce(u.person_id, c.right_id) AS key,
                   NULL AS file, NULL AS record, NULL AS field
            FROM current.links c
            JOIN desired.sections s ON s.object_id = c.left_id
            LEFT JOIN desired.users u ON u.object_id = c.right_id
            WHERE c.kind = '{kind.name}'
              AND NOT EXISTS (FROM run.known_links k
                              WHERE k.kind = c.kind AND k.left_id = c.left_id AND k.right_id = c.right_id)
              AND NOT EXISTS (FROM desired.links d
                              WHERE d.kind = c.kind AND d.left_id = c.left_id AND d.right_id = c.right_id)
            """)  # fmt: skip


def l15_mastered_on_premises(store: Store, profile: Profile, _today: date) -> None:
    """Left alone and said, field by field; memberships and licences are handled like anyone's."""
    differing = ", ".join(
        f"CASE WHEN d.{field} IS NOT NULL AND d.{field} IS DISTINCT FROM c.{field} THEN '{field}' END"
        for field in _mastered(profile)
    )
    note(store, "kept", "user", "L15", f"""
        SELECT * FROM (
            SELECT d.key, d.file, d.record, nullif(concat_ws(', ', {differing}), '') AS field
            FROM desired.users d JOIN current.users c ON c.object_id = d.object_id
            WHERE d.synced AND NOT d.protected)
        WHERE field IS NOT NULL""")  # fmt: skip


def l16_protected(store: Store, _profile: Profile, _today: date) -> None:
    """The account is never written; what the policy desires for it is shown as skipped."""
    note(store, "protected", "user", "L16", """
        SELECT key, file, record, NULL AS field FROM desired.users
        WHERE object_id IN (SELECT object_id FROM run.protected WHERE profile IS NULL)""")  # fmt: skip


def of_another_profile(store: Store, _profile: Profile, _today: date) -> None:
    """Accounts; the policy has set sections, schools and school groups aside."""
    note(store, "protected", "user", "other-profile", """
        SELECT d.key, d.file, d.record, min(p.profile) AS field
        FROM desired.users d JOIN run.protected p ON p.object_id = d.object_id AND p.profile IS NOT NULL
        GROUP BY ALL""")  # fmt: skip


def what_the_profile_selects(store: Store, _profile: Profile, _today: date) -> None:
    """Schools, sections, school groups and licences that the roster and the profile ask for and nobody has made."""
    for kind in (SCHOOL, SECTION, SCHOOL_GROUP):
        create_objects(store, kind)
    add_links(store, SCHOOL_SECTION, "'section-at-school'")
    disabled = "LEFT JOIN run.disabled_plans p ON p.side = n.role AND p.sku_id = n.right_id"
    for licenses in (LICENSE, GROUP_LICENSE):
        add_links(store, licenses, "'license-selected'", more="'disabled_plans', p.plan_ids", beside=disabled)
    rule = "CASE n.role WHEN 'licensed' THEN 'license-selected' ELSE 'school-group-selected' END"
    add_links(store, GROUP_MEMBER, rule)
    note(store, "lacking", "license", "license-not-yet", """
        SELECT w.key, w.file, w.record, NULL AS field FROM run.coming w
        JOIN current.links c ON c.kind = 'group_member' AND c.left_id = w.group_id AND c.right_id = w.left_id
        """)  # fmt: skip
    for rule in CLASS_SERVICES:
        lacking = f"SELECT key, file, record, NULL AS field FROM run.lacking WHERE rule = '{rule}'"
        note(store, "lacking", "user", rule, lacking)


def _mastered(profile: Profile) -> tuple[str, ...]:
    """What Entra Connect masters on a synced user: also the attribute of the account that has the school's id."""
    return MASTERED if profile.tenant.education else (*MASTERED, "student_id", "teacher_id")


def _too_early(profile: Profile, today: date) -> bool:
    return bool(profile.sections.student_start) and today.isoformat() < profile.sections.student_start


RULES: tuple[Rule, ...] = (
    Rule("L1", "a person is new", "create mode: matched, else created and licensed; existing mode: matched, else "
         "reported as unmatched and left out, with the memberships", l1_person_is_new),
    Rule("L2", "an attribute changed", "updated, if the profile selects the property; a blank never clears a value",
         l2_attribute_changed),
    Rule("L11", "a section was renamed", "the display name is updated, unless teachers own it after the first sync",
         l11_section_renamed),
    Rule("selected", "the profile selects a school, section, school group or licence", "made, joined or assigned",
         what_the_profile_selects),
    Rule("L13", "a person, section or school comes back", "the same object is used again, found by its anchor", None),
    Rule("L3", "a student joins a section", "member added", l3_student_joins),
    Rule("L4", "a student leaves a section that is still in the roster", "member removed, if the ledger shows that "
         "the roster put them there", l4_student_leaves),
    Rule("L5", "a teacher joins a section", "owner and member added", l5_teacher_joins),
    Rule("L6", "a teacher leaves a section", "no change; reported as kept", l6_teacher_leaves),
    Rule("L7", "a person is gone from the roster", "account, licences and school membership are kept; L4 applies to "
         "sections that are still in the roster", l7_person_gone),
    Rule("L8", "a section is gone, or out of the profile's scope", "group and every membership kept; reported as "
         "dormant", l8_section_gone),
    Rule("L9", "a school is gone", "administrative unit, school groups and memberships kept", l9_school_gone),
    Rule("L10", "a student moves to another school", "added there; stays in the old one, unless schools.moves = "
         "\"move\"", l10_person_moves),
    Rule("L12", "it is before the student start date", "sections and teachers are made, student members wait",
         l12_before_student_start),
    Rule("L14", "a member was added by hand", "never removed", l14_added_by_hand),
    Rule("L15", "a user is mastered on-premises", "synced attributes are left alone and reported; memberships and "
         "licences are handled", l15_mastered_on_premises),
    Rule("L16", "a holder of a directory role, or an account of the protected list", "the account is never written "
         "and shown as skipped; memberships are handled like anyone's", l16_protected),
    Rule("other-profile", "an object of another profile whose state lies in the same folder", "never written: a "
         "section, school or school group is left out with its memberships; an account keeps its values and licences, "
         "and its memberships are handled like anyone's", of_another_profile),
)  # fmt: skip
