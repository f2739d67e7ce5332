"""What class teams in Microsoft Teams need: a teacher who owns each, and not too many of anything.

Sources: "Limits and specifications for Microsoft Teams" and the Graph pages on groups and teams (Microsoft Learn).
"""

from __future__ import annotations

from provision.roster.checks.sense import MOST_OWNERS
from provision.roster.checks.text import LONGEST
from provision.roster.readiness import common, judged
from provision.roster.readiness.need import Need, Product

MOST_MEMBERS = 10_000
"""Of a group that a team is made of; a team may grow to 25,000 afterwards."""

MOST_FOR_ASSIGNMENTS = 300
MOST_TEAMS = 1_000
LONGEST_TITLE = LONGEST["sections", "title"]
ODD_IN_TITLES = r'[~"#%&*:<>?/\\{|}[:cntrl:]]'
"""Signs that names of SharePoint sites and OneNote notebooks cannot have; both are named after the class."""

_LIMITS = "Teams, limits and specifications"

NEEDS = (
    common.class_teacher(
        "teams-owner",
        "must",
        asks="Every class has a teacher, who owns the team.",
        mend="Enroll the teacher in the class: a team without an owner cannot be made.",
        source="Graph, create team",
        subject=True,
    ),
    Need(
        "teams-owners-most",
        "must",
        things="classes",
        asks=f"No class has more than {MOST_OWNERS} teachers.",
        of=judged.CLASSES,
        passes=f"owners <= {MOST_OWNERS}",
        fault="The class has {owners} teachers.",
        mend="Split the class, or enroll some of the teachers in another role.",
        source=_LIMITS,
    ),
    Need(
        "teams-members-most",
        "must",
        things="classes",
        asks=f"No class has more than {MOST_MEMBERS:,} members.",
        of=judged.CLASSES,
        passes=f"members <= {MOST_MEMBERS}",
        fault="The class has {members} members.",
        mend="Split the class: no team can be made of a group of this size.",
        source=_LIMITS,
    ),
    Need(
        "teams-person-classes",
        "must",
        things="people",
        asks=f"Nobody is in more than {MOST_TEAMS:,} classes.",
        of="""(SELECT person_id AS id, min_by(file, record) AS file, min(record) AS record, count(*) AS classes
            FROM roster.enrollments GROUP BY person_id)""",
        passes=f"classes <= {MOST_TEAMS}",
        fault="This person is in {classes} classes.",
        mend="Take the person out of classes: nobody can be in more teams, archived ones included.",
        source=_LIMITS,
    ),
    common.class_students(
        "teams-students",
        "should",
        mend="Enroll its students, or leave the class out: its team would stay empty.",
        source="our choice",
    ),
    Need(
        "teams-assignments",
        "should",
        things="classes",
        asks=f"No class has more than {MOST_FOR_ASSIGNMENTS} members.",
        of=judged.CLASSES,
        passes=f"members <= {MOST_FOR_ASSIGNMENTS}",
        fault="The class has {members} members.",
        mend="Split the class if it is to use Assignments or a Class Notebook.",
        source=_LIMITS + ": class teams",
    ),
    Need(
        "teams-title-length",
        "should",
        things="classes",
        asks=f"Titles have at most {LONGEST_TITLE} characters.",
        of=judged.CLASSES,
        passes=f"length(title) <= {LONGEST_TITLE}",
        fault=f"The title is cut to the first {LONGEST_TITLE} characters.",
        mend="Shorten the title.",
        source="Graph, create group",
    ),
    Need(
        "teams-title-signs",
        "should",
        things="classes",
        asks='Titles have none of ~ " # % & * : < > ? / \\ { | }.',
        of=judged.CLASSES,
        passes=f"NOT regexp_matches(title, '{ODD_IN_TITLES}')",
        fault="The title is: {title}",
        mend="Use other signs: the team's site and notebook are named after the class.",
        source="SDS, invalid characters",
    ),
    Need(
        "teams-title-twice",
        "should",
        things="classes",
        asks="No two classes of a school have the same title.",
        of=judged.CLASSES,
        passes="namesakes = 1",
        fault="{namesakes} classes of this school are called: {title}",
        mend="Add the teacher, period or term to the title: in Teams nothing else tells them apart.",
        source="our choice",
    ),
    Need(
        "teams-term",
        "should",
        things="classes",
        asks="The term of a class is not over.",
        of=judged.CLASSES,
        passes="last_day IS NULL OR last_day >= getvariable('today')",
        fault="Its last term ended on {last_day}.",
        mend="Export the classes of this term; a team made now would be for a class that is over.",
        source="our choice",
    ),
)
PRODUCT = Product("teams", "class teams in Microsoft Teams", NEEDS)
