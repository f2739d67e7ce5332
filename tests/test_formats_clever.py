"""Clever CSV: what is read out of its wide rows, what may be written in them, and the road to accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.world import World

from provision.errors import RosterError
from provision.formats import FORMATS, load_roster
from provision.formats.recognise import by_name
from provision.profile import load_profile
from provision.roster.checks.sense import SENSE_CHECKS
from provision.roster.kinds import date_in
from provision.roster.options import RosterOptions
from provision.roster.summary import findings
from provision.store import in_memory

DEFAULTS = RosterOptions()
STORE = in_memory()  # loading empties the tables first, so one store serves every test
STORE.run("SET threads = 1")  # quicker where tables are small

CLEVER = {
    "schools.csv": "School_id,School_name,School_number\n010,Ash School,1\n020,Elm School,2\n",
    "students.csv": "School_id,Student_id,First_name,Last_name,Grade,Username\n"
    "010,0001,Ada,Berg,4,ada\n010,0002,Bo,Cole,12,bo\n",
    "teachers.csv": "School_id,Teacher_id,First_name,Last_name,Teacher_email,Username\n"
    "010,0001,Cy,Dahl,cy@contoso.edu,cy\n020,0009,Di,Egg,,di\n",
    "sections.csv": "School_id,Section_id,Teacher_id,Name\n010,007,0001,Art\n",
    "enrollments.csv": "School_id,Section_id,Student_id\n010,007,0001\n010,007,0002\n",
}
STAFF = "School_id,Staff_id,Staff_email,First_name,Last_name,Role\n"
CONTACTS = (
    "School_id,Student_id,First_name,Last_name,Grade,Contact_name,Contact_type,Contact_relationship,Contact_email,"
    "Contact_phone,Contact_phone_type,Contact_sis_id\n"
)
SECTIONS = "School_id,Section_id,Teacher_id,Name,Course_name,Course_number,Period,Term_name,Term_start,Term_end\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())
    return folder


def load(folder: Path, files: dict[str, str], options: RosterOptions = DEFAULTS) -> None:
    assert load_roster(STORE, write(folder, {**CLEVER, **files}), options).format == "clever"


JUDGEMENTS = {check.id for check in SENSE_CHECKS}
"""What is said of a roster that was read well, whatever its format."""


def said(*severities: str) -> list[tuple[str, str, str | None, str | None]]:
    """Rule, file, field and value of what was found in the reading."""
    return [
        (each.rule, each.file, each.field, each.value)
        for each in findings(STORE)
        if each.rule not in JUDGEMENTS and (not severities or each.severity in severities)
    ]


def rows(sql: str) -> list[tuple[Any, ...]]:
    return STORE.rows(sql)


def student(grade: str = "4", **values: str) -> dict[str, str]:
    """The base with one student, who has these values besides."""
    header = ",".join(("School_id,Student_id,First_name,Last_name,Grade", *values))
    row = ",".join(("010,0001,Ada,Berg", f'"{grade}"', *values.values()))
    return {"students.csv": f"{header}\n{row}\n", "enrollments.csv": ONE}


NOBODY = "School_id,Section_id,Student_id\n"
ONE = NOBODY + "010,007,0001\n"


def students(header: str, *values: str) -> dict[str, str]:
    """The base with one student for each value of one column, numbered from 0001."""
    rows = "".join(f'010,{number:04},Ada,Berg{number},"{value}"\n' for number, value in enumerate(values, 1))
    head = f"School_id,Student_id,First_name,Last_name,{header}\n"
    return {"students.csv": head + rows, "enrollments.csv": ONE}


def by_student(table: str, column: str) -> list[Any]:
    """The values of a column, in the order of the students."""
    sql = f"SELECT {column} FROM roster.{table} WHERE file = 'students.csv' ORDER BY record"
    return [value for (value,) in rows(sql)]


def contacts(*lines: str) -> dict[str, str]:
    """The base with students.csv of these rows, for the students 0001 Ada and 0002 Bo Berg."""
    whole = {"1": "010,0001,Ada,Berg,4,", "2": "010,0002,Bo,Berg,5,"}
    text = CONTACTS + "".join(f"{whole[line[0]]}{line[2:]}\n" for line in lines)
    return {"students.csv": text, "enrollments.csv": ONE}


# -- the files


def test_the_five_files_are_enough(tmp_path: Path) -> None:
    load(tmp_path, {})
    assert said() == []
    assert rows("SELECT id, name, type, number FROM roster.orgs ORDER BY 1") == [
        ("010", "Ash School", "school", "1"),
        ("020", "Elm School", "school", "2"),
    ]
    assert rows("SELECT id, source_id, username, given_name, family_name FROM roster.persons ORDER BY 1") == [
        ("student/0001", "0001", "ada", "Ada", "Berg"),
        ("student/0002", "0002", "bo", "Bo", "Cole"),
        ("teacher/0001", "0001", "cy", "Cy", "Dahl"),
        ("teacher/0009", "0009", "di", "Di", "Egg"),
    ]
    assert rows("SELECT person_id, org_id, role, grade FROM roster.roles ORDER BY 1") == [
        ("student/0001", "010", "student", "04"),
        ("student/0002", "010", "student", "12"),
        ("teacher/0001", "010", "teacher", None),
        ("teacher/0009", "020", "teacher", None),
    ]
    assert rows("SELECT id, org_id, title FROM roster.sections") == [("007", "010", "Art")]
    assert rows("SELECT section_id, person_id, role, is_primary FROM roster.enrollments ORDER BY 2") == [
        ("007", "student/0001", "student", None),
        ("007", "student/0002", "student", None),
        ("007", "teacher/0001", "teacher", True),
    ]


@pytest.mark.parametrize("name", CLEVER)
def test_each_of_the_five_is_needed(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, {each: text for each, text in CLEVER.items() if each != name})
    with pytest.raises(RosterError) as refused:
        load_roster(STORE, folder, DEFAULTS, "clever")
    assert [name in detail and "--accept-missing" in detail for detail in refused.value.details] == [True]


def test_admins_are_refused_with_a_mend(tmp_path: Path) -> None:
    with pytest.raises(RosterError) as refused:
        load(tmp_path, {"admins.csv": "School_id,Staff_id,Admin_email,First_name,Last_name\n"})
    (detail,) = refused.value.details
    assert detail.startswith("admins.csv is refused: ")
    assert "staff.csv" in detail


def test_case_and_order_of_headers_do_not_matter_and_anybody_may_add_columns(tmp_path: Path) -> None:
    load(tmp_path, {})
    before = rows("FROM roster.persons ORDER BY id")
    students = "ext.shoes,USERNAME,last_NAME,first_name,Ext.hat,student_id,SCHOOL_ID,grade\n"
    students += "38,ada,Berg,Ada,red,0001,010,4\n39,bo,Cole,Bo,,0002,010,12\n"
    load(tmp_path, {"students.csv": students})
    assert rows("FROM roster.persons ORDER BY id") == before
    assert said() == []


def test_official_columns_that_say_nothing_to_us_are_passed_over_and_strange_ones_noted(tmp_path: Path) -> None:
    load(tmp_path, student(Home_language="Finnish", Weighted_gpa="3.9", Student_zip="98000", Shoes="38"))
    assert said() == [("unknown-column", "students.csv", "Shoes", None)]


def test_files_with_bare_carriage_returns_beside_others(tmp_path: Path) -> None:
    load(tmp_path, {})
    before = rows("SELECT * FROM roster.persons ORDER BY id"), rows("SELECT * FROM roster.enrollments ORDER BY ALL")
    returned = {name: CLEVER[name].replace("\n", "\r") for name in ("students.csv", "sections.csv", "enrollments.csv")}
    returned["sections.csv"] = returned["sections.csv"].replace("Art", '"Art"')
    load(tmp_path, returned)
    assert before == (
        rows("SELECT * FROM roster.persons ORDER BY id"),
        rows("SELECT * FROM roster.enrollments ORDER BY ALL"),
    )
    assert said() == []


def test_everything_that_schools_may_say(tmp_path: Path) -> None:
    text = (
        "School_id,School_name,School_number,State_id,Nces_id,Low_grade,High_grade,Principal,Principal_email,"
        "School_address,School_city,School_state,School_zip,School_phone\n"
        "010,Ash School,1,W1,53000,PreKindergarten,9-13,Pat Elm,Pat@ash.example.org,1 Low Road,Northport,WA,98001,"
        "5550100100\n020,Elm School,2,,,K-5,12,,,,,,,\n"
    )
    load(tmp_path, {"schools.csv": text})
    assert rows("SELECT * EXCLUDE (file, record) FROM roster.orgs WHERE id = '010'") == rows("""
        SELECT '010', 'Ash School', 'school', NULL, '1', '53000', 'W1', 'PK', '09', NULL, 'Pat Elm',
               'pat@ash.example.org', '1 Low Road', 'Northport', 'WA', NULL, '98001', '5550100100', NULL""")
    assert rows("SELECT grade_low, grade_high FROM roster.orgs WHERE id = '020'") == [("KG", "12")]
    assert said() == []


# -- values


OFFICIAL_GRADES = {
    **{str(number): f"{number:02}" for number in range(1, 14)},
    "InfantToddler": "IT",
    "Preschool": "PR",
    "PreKindergarten": "PK",
    "TransitionalKindergarten": "TK",
    "kindergarten": "KG",
    "PostGraduate": "postgraduate",
    "Ungraded": "UG",
    "Other": "Other",
}
CODES_OF_GRADES = {"03": "03", "pk": "PK", "KG": "KG", "TK": "TK"}
OTHER_GRADES = {"K": "KG", "PS": "PR", "Grade 3": "03", "Pre-Kindergarten": "PK"}


def test_grades(tmp_path: Path) -> None:
    every = {**OFFICIAL_GRADES, **CODES_OF_GRADES, **OTHER_GRADES}
    load(tmp_path, students("Grade", *every))
    assert by_student("roles", "grade") == list(every.values())
    assert said() == [("grade-read-as", "students.csv", "Grade", written) for written in OTHER_GRADES]


@pytest.mark.parametrize("labels", ["us", "uk"])
def test_a_student_has_one_grade_of_the_list(tmp_path: Path, labels: Any) -> None:
    wrong = ("9-13", "14", "Year nine")
    load(tmp_path, students("Grade", *wrong), RosterOptions(grade_labels=labels))
    assert by_student("roles", "grade") == [None] * 3
    assert said("warning") == [("unknown-grade", "students.csv", "Grade", written) for written in wrong]


def test_of_a_range_of_grades_the_lower_bound_counts(tmp_path: Path) -> None:
    ranges = {"9-13": "09", "K - 2": "KG", "PreKindergarten-Kindergarten": "PK", "3": "03", "9-tall": None}
    lines = (f"010,{number},0001,Art,{written}\n" for number, written in enumerate(ranges))
    load(tmp_path, {"sections.csv": "School_id,Section_id,Teacher_id,Name,Grade\n" + "".join(lines),
                    "enrollments.csv": NOBODY})  # fmt: skip
    assert rows("SELECT grade FROM roster.sections ORDER BY id") == [(kept,) for kept in ranges.values()]
    assert said("warning") == [("unknown-grade", "sections.csv", "Grade", "9-tall")]


DATES = {
    "02/04/2014": "2014-02-04",
    "2/4/2014": "2014-02-04",
    "11/1/98": "1998-11-01",
    "2/4/05": "2005-02-04",
    "2014-02-04": "2014-02-04",
}
NO_DATES = ("13/4/2014", "2/30/2014", "2/4/214", "0098-02-04", "14-02-04", "20140204", "4.2.2014")


def test_dates_are_months_first(tmp_path: Path) -> None:
    load(tmp_path, students("DOB", *DATES, *NO_DATES))
    assert by_student("demographics", "birth_date::TEXT") == [*DATES.values(), *(None for _ in NO_DATES)]
    assert said() == [("date-format", "students.csv", "DOB", written) for written in NO_DATES]


def test_years_of_two_digits_are_those_around_now() -> None:
    for written, kept in (("1/1/69", "1969-01-01"), ("1/1/99", "1999-01-01"), ("1/1/68", "2068-01-01")):
        assert STORE.value(f"SELECT {date_in('?', ['M/D/YY'])}::TEXT".replace("?", f"'{written}'")) == kept


def test_a_profile_with_the_day_first_is_not_mixed_with_the_month_first(tmp_path: Path) -> None:
    written = {"2/4/2014": "2014-04-02", "2/13/2014": None, "2/4/14": None, "2014-02-04": "2014-02-04"}
    load(tmp_path, students("DOB", *written), RosterOptions(date_formats=("D/M/YYYY",)))
    assert by_student("demographics", "birth_date::TEXT") == list(written.values())


def test_a_profile_may_not_ask_for_years_of_two_digits(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="'M/D/YY'"):
        load(tmp_path, {}, RosterOptions(date_formats=("M/D/YY",)))


DEMOGRAPHICS: list[tuple[str, str, dict[str, str | None]]] = [
    ("Gender", "sex", {"M": "male", "f": "female", "X": "notSelected", "Female": "female", "W": None}),
    ("Race", "race_codes", {
        "A": "asian", "B": "blackOrAfricanAmerican", "I": "americanIndianOrAlaskaNative",
        "M": "demographicRaceTwoOrMoreRaces", "p": "nativeHawaiianOrOtherPacificIslander", "W": "white", "Z": None,
    }),
    ("Hispanic_Latino", "ethnicity_codes", {"Y": "hispanicOrLatinoEthnicity", "yes": "hispanicOrLatinoEthnicity",
                                            "perhaps": None}),
]  # fmt: skip


@pytest.mark.parametrize(("header", "column", "values"), DEMOGRAPHICS)
def test_demographics(tmp_path: Path, header: str, column: str, values: dict[str, str | None]) -> None:
    load(tmp_path, students(header, *values))
    assert by_student("demographics", column) == list(values.values())
    (wrong,) = (written for written, kept in values.items() if kept is None)
    assert said() == [("unknown-code", "students.csv", header, wrong)]


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("Ell_status", {"Y": "ELL", "N": None, "": None}),
        ("Iep_status", {"yes": "IEP", "No": None}),
        ("FRL_status", {"F": "freeLunch", "r": "reducedLunch", "N": None}),
    ],
)
def test_flags(tmp_path: Path, header: str, values: dict[str, str | None]) -> None:
    load(tmp_path, students(header, *values))
    assert by_student("flags", "flag") == [flag for flag in values.values() if flag]
    assert said() == []


def test_whoever_is_not_hispanic_has_no_ethnicity(tmp_path: Path) -> None:
    load(tmp_path, students("Hispanic_Latino", "N", "no"))
    assert by_student("demographics", "ethnicity_codes") == [None, None]
    assert said() == []


def test_a_flag_that_is_neither_yes_nor_no_is_no_flag(tmp_path: Path) -> None:
    load(tmp_path, student(Ell_status="maybe", Frl_status="X"))
    assert rows("SELECT count(*) FROM roster.flags") == [(0,)]
    assert sorted(each[2:] for each in said("warning")) == [("Ell_status", "maybe"), ("Frl_status", "X")]


def test_other_values_of_persons(tmp_path: Path) -> None:
    more = {
        "Student_number": "S-9", "State_id": "W9", "Middle_name": "May", "Graduation_year": "2032",
        "Student_email": "Ada@home.example", "Username": "ada", "Password": "Secret-9",
    }  # fmt: skip
    shown = "number, state_id, middle_name, graduation_year, secondary_email, username, password"
    load(tmp_path, student(**more))
    assert rows(f"SELECT {shown} FROM roster.persons WHERE id = 'student/0001'") == [
        ("S-9", "W9", "May", "2032", "ada@home.example", "ada", None)
    ]
    load(tmp_path, student(**more), RosterOptions(keep_passwords=True))
    assert rows("SELECT password FROM roster.persons WHERE id = 'student/0001'") == [("Secret-9",)]


@pytest.mark.parametrize(
    ("values", "username"),
    [
        ({"Username": "ada", "Student_email": "Ada@home.example"}, "ada"),
        ({"Username": "", "Student_email": "Ada@home.example"}, "Ada@home.example"),
        ({"Email_address": "ada@home.example"}, "ada@home.example"),
        ({"Student_email": "none"}, None),
        ({}, None),
    ],
)
def test_a_blank_username_is_the_whole_address(tmp_path: Path, values: dict[str, str], username: str | None) -> None:
    load(tmp_path, student(**values))
    assert rows("SELECT username FROM roster.persons WHERE id = 'student/0001'") == [(username,)]


def test_a_finding_names_the_header_that_the_value_came_from(tmp_path: Path) -> None:
    """Of two headers for one thing the one with the value counts."""
    files = student(Student_email="", Email_address="nonsense")
    load(tmp_path, files)
    assert ("email-shape", "students.csv", "Email_address", "nonsense") in said("warning")
    load(tmp_path, student(Student_email="nonsense", Email_address="ada@x.org"))
    assert ("email-shape", "students.csv", "Student_email", "nonsense") in said("warning")


# -- students and their contacts


def test_a_row_for_each_contact_is_one_student(tmp_path: Path) -> None:
    students = (
        "School_id,Student_id,First_name,Last_name,Grade,Gender,Ell_status,Contact_name,Contact_type\n"
        "010,0001,Ada,Berg,4,F,Y,Eva Maria Berg,Parent/Guardian\n"
        "010,0001,Ada,Berg,4,F,Y,Olaf Berg,Emergency\n"
        "010,0001,Ada,Berg,4,F,Y,,\n"
        "010,0002,Bo,Cole,12,M,N,,\n"
    )
    load(tmp_path, {"students.csv": students})
    assert said() == []
    assert rows("SELECT id, record FROM roster.persons WHERE file = 'students.csv' AND id LIKE 'student/%'") == [
        ("student/0001", 2),
        ("student/0002", 5),
    ]
    assert rows("SELECT person_id, sex FROM roster.demographics ORDER BY 1") == [
        ("student/0001", "female"),
        ("student/0002", "male"),
    ]
    assert rows("SELECT person_id, flag FROM roster.flags") == [("student/0001", "ELL")]
    assert rows("SELECT count(*) FROM roster.roles WHERE person_id = 'student/0001'") == [(1,)]
    assert rows("""
        SELECT r.person_id, c.given_name, c.family_name, r.role FROM roster.relationships r
        JOIN roster.persons c ON c.id = r.contact_id ORDER BY r.record""") == [
        ("student/0001", "Eva Maria", "Berg", "guardian"),
        ("student/0001", "Olaf", "Berg", "other"),
    ]


def test_rows_that_differ_are_told_and_the_first_counts(tmp_path: Path) -> None:
    files = contacts("1:Eva Berg,,,,,,", "1:Olaf Berg,,,,,,")
    for grade, differs in (("5", True), ("04", False)):
        load(tmp_path, {**files, "students.csv": files["students.csv"].replace("4,Olaf", f"{grade},Olaf")})
        assert rows("SELECT grade FROM roster.roles WHERE role = 'student'") == [("04",)]
        told = [("repeated-differs", "students.csv", "Student_id", "student/0001")]
        assert said() == (told if differs else [])


def test_the_same_id_for_two_students_is_an_error(tmp_path: Path) -> None:
    files = contacts("1:Eva Berg,,,,,,", "1:Olaf Berg,,,,,,")
    load(tmp_path, {**files, "students.csv": files["students.csv"].replace("Ada", "Ida", 1)})
    assert {each[0] for each in said("error")} == {"duplicate-id"}
    assert rows("SELECT id FROM roster.held WHERE kind = 'person'") == [("student/0001",)]
    assert rows("SELECT count(*) FROM roster.relationships") == [(0,)]


def test_a_student_of_two_schools_has_two_roles(tmp_path: Path) -> None:
    more = CLEVER["students.csv"] + "020,0001,Ada,Berg,5,ada\n"
    load(tmp_path, {"students.csv": more})
    assert said("error", "warning") == []
    assert rows("SELECT org_id, grade FROM roster.roles WHERE person_id = 'student/0001' ORDER BY 1") == [
        ("010", "04"),
        ("020", "05"),
    ]
    assert rows("SELECT count(*) FROM roster.persons WHERE id = 'student/0001'") == [(1,)]


def contact_names() -> list[tuple[Any, ...]]:
    return rows("SELECT given_name, family_name FROM roster.persons WHERE starts_with(id, 'contact/') ORDER BY ALL")


def test_brothers_and_sisters_share_a_contact(tmp_path: Path) -> None:
    eva = "Eva Berg,Primary,Mother,Eva@home.example,5550100100,Cell,"
    load(tmp_path, contacts(f"1:{eva}", f"2:{eva.replace('Eva@', 'eva@')}"))
    assert contact_names() == [("Eva", "Berg")]
    assert rows("SELECT person_id, role FROM roster.relationships ORDER BY 1") == [
        ("student/0001", "parent"),
        ("student/0002", "parent"),
    ]
    assert rows("SELECT secondary_email, phone, sms FROM roster.persons WHERE starts_with(id, 'contact/')") == [
        ("eva@home.example", "5550100100", "5550100100")
    ]


def test_parents_who_share_an_address_stay_two(tmp_path: Path) -> None:
    load(tmp_path, contacts("1:Eva Berg,,,berg@home.example,,,", "1:Olaf Berg,,,berg@home.example,,,"))
    assert contact_names() == [("Eva", "Berg"), ("Olaf", "Berg")]


def test_without_an_address_a_contact_belongs_to_one_student(tmp_path: Path) -> None:
    load(tmp_path, contacts("1:Eva Berg,,,,,,", "2:Eva Berg,,,,,,", "2:,,,,5550100100,Home,"))
    assert contact_names() == [("Eva", "Berg"), ("Eva", "Berg"), (None, None)]
    assert rows("SELECT phone, sms FROM roster.persons WHERE phone IS NOT NULL") == [("5550100100", None)]


def test_an_id_of_the_school_outlasts_name_and_address(tmp_path: Path) -> None:
    seen = []
    for who in ("Eva Berg,,,eva@home.example,,,77", "Eva Dahl,,,eva@work.example,,,77"):
        load(tmp_path, contacts(f"1:{who}", "2:,,,,,,"))
        seen.append(rows("SELECT id, source_id FROM roster.persons WHERE id LIKE 'contact/%'"))
    assert seen == [[("contact/77", "77")]] * 2


def test_a_second_telephone_is_told_and_no_second_contact(tmp_path: Path) -> None:
    load(tmp_path, contacts("1:Eva Berg,,,,5550100100,Cell,", "1:Eva Berg,,,,5550100101,Home,", "2:,,,,,,"))
    assert contact_names() == [("Eva", "Berg")]
    assert rows("SELECT phone FROM roster.persons WHERE starts_with(id, 'contact/')") == [("5550100100",)]
    assert rows("SELECT count(*) FROM roster.relationships") == [(1,)]
    assert [each[0] for each in said()] == ["repeated-differs"]


def test_ids_of_contacts_tell_nothing_and_stay_the_same(tmp_path: Path) -> None:
    ids = set()
    for _ in range(2):
        load(tmp_path, contacts("1:Eva Berg,,,eva@home.example,,,", "2:,,,,,,"))
        ids |= set(rows("SELECT contact_id FROM roster.relationships"))
    ((one,),) = ids
    assert one.startswith("contact/")
    assert "eva" not in one


@pytest.mark.parametrize(("name", "kept"), [("Eva", (None, "Eva")), ("Eva  May Berg", ("Eva  May", "Berg"))])
def test_the_last_word_is_the_family_name(tmp_path: Path, name: str, kept: tuple[str | None, str]) -> None:
    load(tmp_path, contacts(f"1:{name},,,,,,", "2:,,,,,,"))
    assert contact_names() == [kept]


RELATIONSHIPS = {  # type and relationship, the role, and whether that is a guess
    ("", "Parent"): "parent",
    ("Emergency", "mother"): "parent",
    ("Emergency", "Grandparent"): "relative",
    ("", "Aunt/Uncle"): "relative",
    ("", "Sibling"): "relative",
    ("", "Self"): "other",
    ("", "Guardian"): "guardian",
    ("Parent/Guardian", ""): "guardian",
    ("Primary", ""): "other",
    ("", ""): "other",
    ("Primary", "Neighbour"): "other",
}


def test_relationships(tmp_path: Path) -> None:
    lines = (f"1:Eva Berg{number},{kind},{role},,,," for number, (kind, role) in enumerate(RELATIONSHIPS))
    load(tmp_path, contacts(*lines, "2:,,,,,,"))
    assert by_student("relationships", "role") == list(RELATIONSHIPS.values())
    assert said() == [("read-as-other", "students.csv", "Contact_relationship", "Neighbour")]


def test_a_bad_row_holds_the_student_and_leaves_the_others_their_contact(tmp_path: Path) -> None:
    text = contacts("1:Eva Berg,,,,,,70", "2:Olaf Berg,,,,,,71", "2:Eva Berg,,,,,,70")["students.csv"]
    load(tmp_path, {"students.csv": text.replace("Ada", "", 1)})
    assert said("error") == [("required-value", "students.csv", "First_name", None)]
    held = rows("SELECT kind, id FROM roster.held WHERE kind = 'person' ORDER BY 2")
    assert held == [("person", "contact/70"), ("person", "student/0001")]
    assert rows("SELECT person_id, contact_id FROM roster.relationships") == [("student/0002", "contact/71")]


def test_of_rows_that_say_the_same_the_first_good_one_counts(tmp_path: Path) -> None:
    """A term that is first named in a bad row is not lost to the other sections."""
    text = SECTIONS + "010,,0001,Art,,,,T,8/24/2026,12/18/2026\n010,008,0001,Music,,,,T,8/24/2026,12/18/2026\n"
    load(tmp_path, {"sections.csv": text, "enrollments.csv": "School_id,Section_id,Student_id\n010,008,0001\n"})
    assert [each[0] for each in said("error", "warning")] == ["required-value"]
    assert rows("SELECT title, record FROM roster.sessions") == [("T", 3)]
    assert rows("SELECT len(session_ids) FROM roster.sections") == [(1,)]


# -- staff


def test_staff_have_ids_of_their_own_also_on_their_accounts(tmp_path: Path) -> None:
    load(tmp_path, {"staff.csv": STAFF + "010,0001,fay@contoso.edu,Fay,Gull,\n020,0001,fay@contoso.edu,Fay,Gull,\n"})
    assert said() == []
    assert rows("SELECT DISTINCT id, source_id, number, username FROM roster.persons WHERE given_name = 'Fay'") == [
        ("staff/0001", "staff/0001", "0001", "fay@contoso.edu")
    ]
    assert rows("SELECT org_id, role FROM roster.roles WHERE person_id = 'staff/0001' ORDER BY 1") == [
        ("010", "staff"),
        ("020", "staff"),
    ]


def test_the_role_of_staff(tmp_path: Path) -> None:
    roles = {
        "": "staff", "School Tech Lead": "itAdmin", "schooltechlead": "itAdmin", "STL": "itAdmin", "Cook": "staff",
        "Principal": "principal", "OFFICESTAFF": "officeStaff",
    }  # fmt: skip
    lines = (f"010,{number},fay{number}@contoso.edu,Fay,Gull,{written}\n" for number, written in enumerate(roles))
    load(tmp_path, {"staff.csv": STAFF + "".join(lines)})
    assert rows("SELECT role FROM roster.roles WHERE file = 'staff.csv' ORDER BY record") == [
        (role,) for role in roles.values()
    ]
    assert said() == [("read-as-other", "staff.csv", "Role", "Cook")]


def test_staff_without_a_column_for_their_role(tmp_path: Path) -> None:
    text = "School_id,Staff_id,Staff_email,First_name,Last_name\n010,7,fay@contoso.edu,Fay,Gull\n"
    load(tmp_path, {"staff.csv": text})
    assert rows("SELECT role FROM roster.roles WHERE person_id = 'staff/7'") == [("staff",)]


def test_the_district_office_is_there_when_somebody_works_there(tmp_path: Path) -> None:
    load(tmp_path, {"staff.csv": STAFF + "DEFAULT_DISTRICT_OFFICE,7,fay@contoso.edu,Fay,Gull,\n"})
    assert said() == []
    assert rows("SELECT id, type, parent_id, file, record FROM roster.orgs WHERE type <> 'school'") == [
        ("DEFAULT_DISTRICT_OFFICE", "district", None, "staff.csv", 2)
    ]
    named = CLEVER["schools.csv"] + "DEFAULT_DISTRICT_OFFICE,Head office,0\n"
    load(tmp_path, {"schools.csv": named})
    assert rows("SELECT name FROM roster.orgs WHERE id = 'DEFAULT_DISTRICT_OFFICE'") == [("Head office",)]
    load(tmp_path, {"staff.csv": STAFF + "030,7,fay@contoso.edu,Fay,Gull,\n"})
    assert [each[0] for each in said("error")] == ["unknown-org"]


def test_staff_with_the_address_of_a_teacher_are_that_teacher(tmp_path: Path) -> None:
    load(tmp_path, {"staff.csv": STAFF + "020,7,CY@contoso.edu,Cy,Dahl,STL\n010,7,CY@contoso.edu,Cy,Dahl,\n"})
    assert rows("SELECT person_id, org_id, role FROM roster.roles WHERE person_id = 'teacher/0001' ORDER BY 2, 3") == [
        ("teacher/0001", "010", "staff"),
        ("teacher/0001", "010", "teacher"),
        ("teacher/0001", "020", "itAdmin"),
    ]
    assert rows("SELECT count(*) FROM roster.persons WHERE family_name = 'Dahl'") == [(1,)]
    assert {each[0] for each in said()} == {"staff-is-teacher"}


def test_staff_are_nobody_else_where_that_is_in_doubt(tmp_path: Path) -> None:
    twins = CLEVER["teachers.csv"].replace("Di,Egg,,", "Di,Egg,cy@contoso.edu,")
    load(tmp_path, {"teachers.csv": twins, "staff.csv": STAFF + "010,7,cy@contoso.edu,Cy,Dahl,\n"})
    assert rows("SELECT person_id FROM roster.roles WHERE role = 'staff'") == [("staff/7",)]
    same_id = STAFF + "010,7,cy@contoso.edu,Cy,Dahl,\n020,7,fay@contoso.edu,Fay,Gull,\n"
    load(tmp_path, {"teachers.csv": CLEVER["teachers.csv"], "staff.csv": same_id})
    assert {each[0] for each in said("error")} == {"duplicate-id"}
    assert rows("SELECT person_id FROM roster.roles WHERE role = 'staff'") == []


# -- sections


def titles(folder: Path, *lines: str, **files: str) -> list[tuple[Any, ...]]:
    load(folder, {"sections.csv": SECTIONS + "".join(f"{line}\n" for line in lines),
                  "enrollments.csv": NOBODY, **files})  # fmt: skip
    return rows("SELECT id, title FROM roster.sections ORDER BY id")


def test_what_a_section_is_called(tmp_path: Path) -> None:
    assert titles(
        tmp_path,
        "010,1,0001,Art,Crafts,K1,3,,,",
        "010,2,0001,,Crafts,K1,3,,,",
        "010,3,0001,,Crafts,K1,,,,",
        "010,4,0001,,,K1,3,,,",
        "010,5,0001,,,,,,,",
    ) == [("1", "Art"), ("2", "Crafts - 3"), ("3", "Crafts"), ("4", "Dahl - 3"), ("5", "Dahl")]
    assert said("error") == []


def test_a_section_that_cannot_be_called_anything_is_held(tmp_path: Path) -> None:
    assert titles(tmp_path, "010,1,0404,,,,3,,,", "010,2,0001,Art,,,,,,") == [("2", "Art")]
    assert {each[0] for each in said("error")} == {"section-title", "dangling-enrollment"}
    assert ("section", "1") in rows("SELECT kind, id FROM roster.held")


def test_a_section_is_not_called_after_a_teacher_who_is_in_doubt(tmp_path: Path) -> None:
    load(tmp_path, {"teachers.csv": CLEVER["teachers.csv"] + "020,0001,Cy,Moss,,cy\n",
                    "sections.csv": CLEVER["sections.csv"].replace("Art", "")})  # fmt: skip
    assert {each[0] for each in said("error")} == {"duplicate-id", "section-title"}
    assert rows("SELECT id FROM roster.held WHERE kind = 'section'") == [("007",)]


def test_the_header_alone_can_name_a_section(tmp_path: Path) -> None:
    load(tmp_path, {"sections.csv": "School_id,Section_id,Teacher_id\n010,007,0009\n010,008,0404\n"})
    assert rows("SELECT id, title FROM roster.sections") == [("007", "Egg")]
    assert "section-title" in {each[0] for each in said("error")}


def test_terms_of_one_name_and_ways_to_write_a_date(tmp_path: Path) -> None:
    titles(
        tmp_path,
        "010,1,0001,Art,,,,Y1,8/24/2026,12/18/2026",
        "010,2,0001,Art,,,,Y1,08/24/2026,2026-12-18",
        "010,3,0001,Art,,,,Y1,8/24/2026,6/11/2027",
        "010,4,0001,Art,,,,,,",
        "010,5,0001,Art,,,,,8/24/2026,",
    )
    assert said("error", "warning") == []
    assert rows("SELECT title, type, start_date::TEXT, end_date::TEXT FROM roster.sessions ORDER BY ALL") == [
        ("8/24/2026", "term", "2026-08-24", None),
        ("Y1", "term", "2026-08-24", "2026-12-18"),
        ("Y1", "term", "2026-08-24", "2027-06-11"),
    ]
    (first, again, other, none, _) = (each for (each,) in rows("SELECT session_ids FROM roster.sections ORDER BY id"))
    assert first == again != other
    assert none is None


def test_courses_and_the_rest_of_a_section(tmp_path: Path) -> None:
    header = (
        "School_id,Section_id,Teacher_id,Name,Section_number,Course_name,Course_number,Course_description,Period,"
        "Subject\n"
    )
    lines = "010,1,0001,Art,4-1,Crafts,K1,With clay,3,Arts and music\n010,2,0001,Art,,Choir,,,,\n010,3,0001,Art,,,,,,\n"
    load(tmp_path, {"sections.csv": header + lines, "enrollments.csv": NOBODY})
    assert rows("SELECT id, number, periods, subject, course_id FROM roster.sections ORDER BY id") == [
        ("1", "4-1", "3", "Arts and music", "K1"),
        ("2", None, None, None, "Choir"),
        ("3", None, None, None, None),
    ]
    assert rows("SELECT id, title, code, description FROM roster.courses ORDER BY id") == [
        ("Choir", "Choir", None, None),
        ("K1", "Crafts", "K1", "With clay"),
    ]


def test_co_teachers(tmp_path: Path) -> None:
    header = "School_id,Section_id,Teacher_id,Name,Teacher_2_id,Teacher_10_id\n"
    load(tmp_path, {"sections.csv": header + "010,007,0001,Art,0009,\n020,008,0009,Music,,0001\n"})
    assert said("error") == []
    assert rows("""SELECT section_id, person_id, is_primary FROM roster.enrollments
                   WHERE role = 'teacher' ORDER BY 1, 3 DESC""") == [
        ("007", "teacher/0001", True),
        ("007", "teacher/0009", False),
        ("008", "teacher/0009", True),
        ("008", "teacher/0001", False),
    ]  # fmt: skip


def test_a_teacher_who_stands_twice_in_a_row_teaches_once(tmp_path: Path) -> None:
    header = "School_id,Section_id,Teacher_id,Name,Teacher_2_id,Teacher_3_id\n"
    load(tmp_path, {"sections.csv": header + "010,007,0001,Art,0001,0009\n"})
    assert [each[0] for each in said("warning", "error")] == ["repeated-record"]
    assert rows("""SELECT person_id, is_primary FROM roster.enrollments WHERE role = 'teacher' ORDER BY 1""") == [
        ("teacher/0001", True),
        ("teacher/0009", False),
    ]


def test_an_unknown_co_teacher_is_one_finding_and_holds_one_pair(tmp_path: Path) -> None:
    header = "School_id,Section_id,Teacher_id,Name,Teacher_2_id,Teacher_3_id\n"
    load(tmp_path, {"sections.csv": header + "010,007,0001,Art,0404,0009\n"})
    assert [(each[0], each[3]) for each in said("error")] == [("dangling-enrollment", "teacher/0404")]
    assert rows("SELECT id, other_id FROM roster.held") == [("007", "teacher/0404")]
    assert rows("SELECT count(*) FROM roster.enrollments WHERE role = 'teacher'") == [(2,)]


# -- the road


DAY = {
    "schools.csv": CLEVER["schools.csv"],
    "students.csv": "School_id,Student_id,First_name,Last_name,Grade,Username,Student_email,Contact_name,Contact_type,"
    "Contact_email\n"
    "010,0001,Ada,Berg,4,ada,,Eva Berg,Parent/Guardian,eva@home.example\n"
    "010,0001,Ada,Berg,4,ada,,Olaf Berg,Emergency,\n"
    "020,0002,Bo,Cole,Kindergarten,,bo@students.contoso.edu,,,\n"
    "020,0003,Cleo,Dee,Kindergarten,,,,,\n",
    "teachers.csv": CLEVER["teachers.csv"],
    "staff.csv": STAFF + "DEFAULT_DISTRICT_OFFICE,0001,fay@contoso.edu,Fay,Gull,STL\n020,7,cy@contoso.edu,Cy,Dahl,\n",
    "sections.csv": "School_id,Section_id,Teacher_id,Teacher_2_id,Name,Course_name,Period\n"
    "010,007,0001,0009,,Art,2\n020,008,0009,,Music,,\n",
    "enrollments.csv": "School_id,Section_id,Student_id\n010,007,0001\n020,008,0002\n",
}


@pytest.mark.parametrize("named", [True, False], ids=["named in the profile", "recognised"])
def test_a_clever_roster_is_planned_and_applied_and_then_nothing_is_left(
    school: World, tmp_path: Path, named: bool
) -> None:
    folder = write(tmp_path / "roster", DAY)
    if named:
        profile = tmp_path / "profile.toml"
        text = profile.read_text(encoding="utf-8").replace("[roster]", '[roster]\nformat = "clever"')
        profile.write_text(text, encoding="utf-8")
        assert load_profile(profile).roster.format == "clever"
    planned = school.day(folder)
    users = {user["userPrincipalName"]: user for user in school.tenant.dump()["users"]}
    assert {upn for upn in users if upn.endswith("contoso.edu")} >= {
        "ada@students.contoso.edu",
        "bo@students.contoso.edu",
        "cy@contoso.edu",
        "di@contoso.edu",
        "fay@contoso.edu",
    }
    assert not [upn for upn in users if upn.startswith(("eva", "olaf", "cleo"))]
    assert planned.noted("held") == {("user:student/0003", "username-missing")}
    assert users["cy@contoso.edu"]["teacher"]["externalId"] == "0001"
    assert users["fay@contoso.edu"]["teacher"]["externalId"] == "staff/0001"
    art = school.group("Section_007")
    assert art["displayName"] == "Art - 2"
    assert len(art["owners"]) == 2
    again = school.plan(folder)
    assert again.changes == []
    assert again.noted("held") == planned.noted("held")


def test_the_staff_account_is_found_again_without_the_ledger(school: World, tmp_path: Path) -> None:
    """What we write on it does not look like a teacher of the same number."""
    folder = write(tmp_path / "roster", DAY)
    school.day(folder)
    school.state = tmp_path / "another state"
    assert school.plan(folder).ids("user") == []
    assert school.plan(folder).noted("conflict") == set()


def test_the_format_stands_in_the_list_and_asks_for_what_clever_asks_for() -> None:
    form = by_name(FORMATS, "clever")
    assert [file.name for file in form.files if file.need == "always"] == list(CLEVER)
    assert {file.name: file.required for file in form.files if file.need == "always"} == {
        "schools.csv": ("School_id", "School_name"),
        "students.csv": ("School_id", "Student_id", "First_name", "Last_name"),
        "teachers.csv": ("School_id", "Teacher_id", "First_name", "Last_name"),
        "sections.csv": ("School_id", "Section_id", "Teacher_id"),
        "enrollments.csv": ("School_id", "Section_id", "Student_id"),
    }
