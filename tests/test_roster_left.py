"""What the checks leave in the roster tables, and what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_roster_checks import ONEROSTER, V2_1, V2_1_WHOLE, held, load

from provision.roster.summary import findings


def test_a_warning_drops_the_value_and_keeps_the_record(tmp_path: Path) -> None:
    users = V2_1["users.csv"].replace("Berg,,", "Berg,nonsense,(555) 010-01.00").replace("Cole,,", "Cole,BO@X.ORG,")
    store = load(tmp_path, {**V2_1, "users.csv": users})
    assert store.rows("SELECT secondary_email, phone FROM roster.persons ORDER BY id LIMIT 2") == [
        (None, "5550100100"),
        ("bo@x.org", None),
    ]


@pytest.mark.parametrize(
    ("base", "file", "old", "new", "kept", "expected"),
    [
        (V2_1_WHOLE, "academicSessions.csv", "2026-08-24", "2028-08-24",
         "SELECT start_date, end_date FROM roster.sessions", (None, None)),
        (V2_1_WHOLE, "demographics.csv", "2016-02-03", "2116-02-03",
         "SELECT birth_date, sex FROM roster.demographics", (None, "female")),
        (V2_1, "users.csv", "Ada,Berg", "A\u200bd\ta,\u2060",
         "SELECT given_name, family_name FROM roster.persons WHERE id = 's1'", ("Ad a", None)),
        (V2_1, "orgs.csv", "school,D", "school,E", "SELECT parent_id FROM roster.orgs WHERE id = 'A'", (None,)),
        (ONEROSTER, "academicSessions.csv", "2027-06-11,,", "2027-06-11,T,",
         "SELECT parent_id FROM roster.sessions WHERE id = 'T'", (None,)),
        (ONEROSTER, "roles.csv", "A,p1", "A,p9", "SELECT profile_id FROM roster.roles WHERE person_id = 's1'", (None,)),
    ],
)  # fmt: skip
def test_what_a_warning_leaves(
    tmp_path: Path, base: dict[str, str], file: str, old: str, new: str, kept: str, expected: tuple[str | None, ...]
) -> None:
    store = load(tmp_path, {**base, file: base[file].replace(old, new, 1)})
    assert store.rows(kept) == [expected]
    assert held(store) == set()


def test_an_unknown_session_leaves_the_known_ones(tmp_path: Path) -> None:
    store = load(tmp_path, {**V2_1_WHOLE, "classes.csv": V2_1["classes.csv"].replace("Art,Y", 'Art,"Z,Y"')})
    assert store.rows("SELECT id, session_ids FROM roster.sections ORDER BY id") == [
        ("c1", ["Y"]),
        ("c2", ["Y"]),
    ]


def test_the_pairs_of_a_held_person_get_no_finding_of_their_own(tmp_path: Path) -> None:
    store = load(tmp_path, {**V2_1, "users.csv": V2_1["users.csv"].replace("s1,ada", "s1,")})
    assert [each.rule for each in findings(store) if each.severity == "error"] == ["required-value"]


def test_a_held_organisation_holds_what_is_beneath_it_up_to_the_next_school(tmp_path: Path) -> None:
    """Else sections there are called gone, where a profile names its schools: nobody knows which one is theirs."""
    orgs = "A2,,department,A\nM,Maths,department,A2\nB,Birch School,school,A2\n"
    classes = V2_1["classes.csv"].replace("c1,A", "c1,M").replace("c2,A", "c2,B")
    store = load(tmp_path, {**V2_1, "orgs.csv": V2_1["orgs.csv"] + orgs, "classes.csv": classes})
    held = store.rows("SELECT kind, id FROM roster.held WHERE kind IN ('org', 'section') ORDER BY ALL")
    assert held == [("org", "A2"), ("org", "M"), ("section", "c1")]


def test_what_refers_to_a_title_of_which_nothing_can_be_seen_refers_to_nothing(tmp_path: Path) -> None:
    store = load(tmp_path, {**V2_1_WHOLE, "courses.csv": V2_1_WHOLE["courses.csv"].replace("Arts", "\u200e")})
    assert store.rows("SELECT DISTINCT course_id FROM roster.sections") == [(None,)]
    assert [each.rule for each in findings(store) if each.severity != "note"] == ["required-value", "unknown-reference"]


@pytest.mark.parametrize(
    ("row", "left"),
    [("s1,t1,pal", [("s1", "s2")]), ("s1,,parent", []), (",t1,parent", [("s1", "s2"), ("s1", "t1")])],
)
def test_what_a_bad_relationship_holds(tmp_path: Path, row: str, left: list[tuple[str, str]]) -> None:
    text = V2_1_WHOLE["relationships.csv"] + f"s1,s2,parent\ns1,t1,guardian\n{row}\n"
    store = load(tmp_path, {**V2_1_WHOLE, "relationships.csv": text})
    assert store.rows("SELECT person_id, contact_id FROM roster.relationships ORDER BY ALL") == left
