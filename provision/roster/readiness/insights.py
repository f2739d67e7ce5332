"""What Education Insights needs: everybody in the right place of a tree, with a role, a name and a grade.

Sources: "Sync Student Information System data with Education Insights" (Microsoft Learn), its best practices, the
comparison of SDS V1 and V2 files, and its list of grade levels. It names SDS V1 and V2 as the formats that it reads.
"""

from __future__ import annotations

from provision.roster.readiness import common, judged
from provision.roster.readiness.need import Need, Product

_USERS = "Insights, best practices: users"
_ORGS = "Insights, best practices: organizations"
_DATA = "Insights, type of data required"

NEEDS = (
    common.readable(
        "insights-format",
        ("sds-v1", "sds-v2", "sds-v2.1"),
        asks="The format is SDS V1, V2 or V2.1.",
        source="Insights, differences between file formats",
    ),
    Need(
        "insights-listed",
        "must",
        things="groups of people",
        asks="The roster lists students, and it lists staff.",
        of="""(SELECT * FROM (VALUES ('students', (SELECT count(*) FROM judged_persons WHERE student)),
                                   ('staff', (SELECT count(*) FROM judged_persons WHERE staff))) v(id, number),
            (SELECT NULL::TEXT AS file, NULL::BIGINT AS record)
            WHERE number > 0 OR NOT EXISTS (FROM judged_left_out WHERE kind IN ('person', 'unknown')))""",
        passes="number > 0",
        fault="The roster lists no {id}.",
        mend="Export everybody: figures from a part of the people mislead.",
        source=_USERS,
        subject=True,
    ),
    Need(
        "insights-role",
        "must",
        things="people",
        asks="Everybody has a role.",
        of=judged.PEOPLE,
        passes="has_role",
        fault="This person has no role.",
        mend="Give the person a role in the school's information system.",
        source=_USERS,
    ),
    Need(
        "insights-org",
        "must",
        things="people",
        asks="Everybody is in an organisation.",
        of=judged.PEOPLE,
        passes="in_org",
        fault="This person is in no organisation.",
        mend="Assign the person to a school or another organisation.",
        source=_USERS,
    ),
    common.grade(
        "insights-grade",
        "must",
        asks="Every student has a grade, in each organisation they are in.",
        mend="Fill in the grade: reports are filtered by it.",
        source=_USERS,
    ),
    common.grade_form(
        "insights-grade-form",
        "must",
        mend="Export the code of the list (07, not 7 or Year 7): Insights takes nothing else.",
        source="Insights, grade levels",
    ),
    common.named(
        "insights-name",
        "should",
        mend="Fill in the name: without it reports show the address.",
        source=_USERS,
    ),
    Need(
        "insights-role-other",
        "should",
        things="roles",
        asks="No role is 'other'.",
        of="(SELECT *, person_id AS id FROM roster.roles)",
        passes="role <> 'other'",
        fault="The role is 'other'.",
        mend="Choose the role that comes closest: permissions are given by role.",
        source=_USERS,
    ),
    Need(
        "insights-hierarchy",
        "should",
        things="organisations",
        asks="The organisations form a tree.",
        of=judged.ORGS,
        passes="parent_id IS NOT NULL OR has_children OR (SELECT count(*) FROM roster.orgs) = 1",
        fault="This organisation is neither above nor beneath another one.",
        mend="Add the district (or what the schools belong to) and name it as their parent; SDS V1 cannot say this.",
        source=_ORGS,
    ),
    Need(
        "insights-org-used",
        "should",
        things="organisations",
        asks="Every organisation has students or classes in it or beneath it.",
        of=judged.ORGS,
        passes="students OR classes",
        fault="There are no students and no classes in it or beneath it.",
        mend="Leave the organisation out, or assign its students to it.",
        source=_ORGS,
    ),
    Need(
        "insights-lowest",
        "should",
        things="students",
        asks="Students are on the lowest branch of the tree.",
        of=judged.STUDENTS,
        passes="org_id NOT IN (SELECT id FROM judged_orgs WHERE has_children)",
        fault="The student is in an organisation that has others beneath it.",
        mend="Assign the student to the school, not to what is above it.",
        source=_ORGS,
    ),
    Need(
        "insights-staff-level",
        "should",
        things="staff",
        asks="Staff are in organisations that have classes in or beneath them.",
        of=judged.STAFF,
        passes="org_id IN (SELECT id FROM judged_orgs WHERE classes)",
        fault="There are no classes in or beneath the organisation of this role: there is nothing to see for them.",
        mend="Assign staff to each school whose classes they may see, or to the level above all of these.",
        source=_USERS,
    ),
    Need(
        "insights-teaching-level",
        "should",
        things="assignments of teachers",
        asks="Whoever teaches a class has a role in its organisation, or in one above it.",
        of=judged.TEACHING,
        passes="""EXISTS (SELECT 1 FROM roster.roles r JOIN judged_under u ON u.above = r.org_id
                   WHERE r.person_id = teacher AND u.id = school AND r.role <> 'student')""",
        fault="This person teaches {section_id}, which is at an organisation they have no role in.",
        mend="Add the role at that school.",
        source=_USERS,
    ),
    common.class_teacher(
        "insights-class-teacher",
        "should",
        asks="Every class has a teacher.",
        mend="Enroll the teacher in the class.",
        source=_DATA,
    ),
    common.class_students(
        "insights-class-students",
        "should",
        mend="Enroll its students, or leave the class out.",
        source=_DATA,
    ),
)
PRODUCT = Product("insights", "Education Insights", NEEDS)
