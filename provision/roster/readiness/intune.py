"""What Intune for Education needs: people who can be told apart by school, role and grade, and who can sign in.

Devices are given apps and settings through groups: all students, all teachers, those of each school, and those of
a grade. Sources: "What is School Data Sync?" and "Create groups" (Intune for Education, Microsoft Learn), and the
page on education security groups of School Data Sync.
"""

from __future__ import annotations

from provision.roster.readiness import common, judged
from provision.roster.readiness.need import Need, Product

_GROUPS = "Intune for Education, create groups"
_SCHOOLS = "(FROM judged_orgs WHERE school)"

NEEDS = (
    Need(
        "intune-school",
        "must",
        things="students",
        asks="Every student is in a school.",
        of=judged.STUDENTS,
        passes="""EXISTS (SELECT 1 FROM judged_under u JOIN judged_orgs o ON o.id = u.above AND o.school
                   WHERE u.id = org_id)""",
        fault="The organisation of this student is no school, and beneath none.",
        mend="Assign the student to a school: settings are given to the groups of a school.",
        source=_GROUPS,
        subject=True,
    ),
    common.username(
        "intune-username",
        "must",
        asks="Everybody has a user name that Microsoft 365 takes.",
        mend="Use letters, digits and ' . - _ ! # ^ ~ only: without an account nobody signs in to a device.",
        source="Graph, user",
    ),
    common.grade(
        "intune-grade",
        "should",
        asks="Every student has a grade.",
        mend="Fill in the grade: groups by grade leave this student out.",
        source=_GROUPS,
    ),
    Need(
        "intune-one-grade",
        "should",
        things="people",
        asks="Nobody has two grades.",
        of=judged.PEOPLE,
        passes="grades < 2",
        fault="This person has several grades.",
        mend="Correct the grade: the person would get the apps of only one of them, or of both.",
        source="our choice",
    ),
    Need(
        "intune-school-students",
        "should",
        things="schools",
        asks="Every school has students.",
        of=_SCHOOLS,
        passes="students",
        fault="The school has no students.",
        mend="Leave the school out, or assign its students to it: its group stays empty.",
        source=_GROUPS,
    ),
    Need(
        "intune-school-staff",
        "should",
        things="schools",
        asks="Every school has staff.",
        of=_SCHOOLS,
        passes="staff",
        fault="The school has no staff.",
        mend="Assign its teachers to the school: its group stays empty.",
        source=_GROUPS,
    ),
    Need(
        "intune-school-name",
        "should",
        things="schools",
        asks="No two schools have the same name.",
        of=_SCHOOLS,
        passes="namesakes = 1",
        fault="{namesakes} organisations are called: {name}",
        mend="Add the place to the name: the groups of the schools are told apart by it.",
        source="SDS, education security groups",
    ),
)
PRODUCT = Product("intune", "Intune for Education", NEEDS)
