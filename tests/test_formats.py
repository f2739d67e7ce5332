"""Every format loads, by itself recognised, and says precisely what is wrong with a file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.errors import RosterError
from provision.formats import FORMATS, load_roster
from provision.formats.format import File
from provision.formats.scan import scan
from provision.formats.stage import CsvFile, clear, stage
from provision.roster.options import RosterOptions
from provision.roster.summary import findings
from provision.store import in_memory

TEMPLATES = Path(__file__).parent.parent / "templates" / "rosters"
DEFAULTS = RosterOptions()
STORE = in_memory()  # loading empties the tables first, so one store serves every test
STORE.run("SET threads = 1")  # quicker where tables are small

V1 = {
    "School.csv": "SIS ID,Name\n010,Ash School\n",
    "Student.csv": "SIS ID,School SIS ID,Username,First Name,Last Name,Grade\n0001,010,ada,Ada,Berg,4\n",
    "Teacher.csv": "SIS ID,School SIS ID,Username,First Name,Last Name\n0009,010,cy,Cy,Dahl\n",
    "Section.csv": "SIS ID,School SIS ID,Section Name,Term SIS ID,Term Name,Term StartDate,Term EndDate,"
    "Course SIS ID,Course Name,Course Subject\n007,010,Art,T,Autumn,2026-08-24,2026-12-18,K,Arts,05\n",
    "StudentEnrollment.csv": "Section SIS ID,SIS ID\n007,0001\n",
    "TeacherRoster.csv": "Section SIS ID,SIS ID\n007,0009\n",
}
UK = {
    "School.csv": "DfE Number,Name\n010,Ash School\n",
    "Student.csv": "ID,School DfE Number,Username,First Name,Last Name,Grade\n0001,010,ada,Ada,Berg,4\n",
    "Teacher.csv": "ID,School DfE Number,Username,First Name,Last Name\n0009,010,cy,Cy,Dahl\n",
    "Section.csv": V1["Section.csv"].replace("SIS ID,School SIS ID", "ID,School DfE Number", 1),
    "StudentEnrollment.csv": "Section ID,ID\n007,0001\n",
    "TeacherRoster.csv": "Section ID,ID\n007,0009\n",
}
V2 = {
    "orgs.csv": "sourcedId,name,type,parentSourcedId\n010,Ash School,School,\n",
    "users.csv": "sourcedId,orgSourcedIds,givenName,familyName,username,password,role,grade\n"
    "0001,010,Ada,Berg,ada,Secret-9,Student,4\n0009,010,Cy,Dahl,cy,,teacher,\n",
    "classes.csv": "sourcedId,orgSourcedId,title\n007,010,Art\n",
    "enrollments.csv": "classSourcedId,userSourcedId,role\n007,0001,Student\n007,0009,Teacher\n",
}
V2_1 = {
    "orgs.csv": V2["orgs.csv"],
    "users.csv": "sourcedId,username,givenName,familyName\n0001,ada,Ada,Berg\n0009,cy,Cy,Dahl\n",
    "roles.csv": "userSourcedId,orgSourcedId,role,grade\n0001,010,student,04\n0009,010,teacher,\n",
    "classes.csv": "sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId\n007,010,Art,T,K\n",
    "enrollments.csv": V2["enrollments.csv"],
    "academicSessions.csv": "sourcedId,title,type,schoolYear,startDate,endDate\n"
    "T,Autumn,term,2026,2026-08-24,2026-12-18\n",
    "courses.csv": "sourcedId,title,subject\nK,Arts,05\n",
}
CLEVER = {
    "schools.csv": "School_id,School_name\n010,Ash School\n",
    "students.csv": "School_id,Student_id,First_name,Last_name,Grade,Username\n010,0001,Ada,Berg,4,ada\n",
    "teachers.csv": "School_id,Teacher_id,First_name,Last_name,Username\n010,0009,Cy,Dahl,cy\n",
    "sections.csv": "School_id,Section_id,Teacher_id,Name,Course_name,Course_number,Term_name,Term_start,Term_end\n"
    "010,007,0009,Art,Arts,K,Autumn,08/24/2026,12/18/2026\n",
    "enrollments.csv": "School_id,Section_id,Student_id\n010,007,0001\n",
}
ONEROSTER_1_1 = {
    "orgs.csv": "sourcedId,status,dateLastModified,name,type\n010,,,Ash School,school\n",
    "users.csv": "sourcedId,enabledUser,orgSourcedIds,role,username,givenName,familyName,grades\n"
    "0001,true,010,student,ada,Ada,Berg,04\n0009,true,010,teacher,cy,Cy,Dahl,\n",
    "classes.csv": "sourcedId,title,courseSourcedId,classType,schoolSourcedId,termSourcedIds\n"
    "007,Art,K,scheduled,010,T\n",
    "enrollments.csv": "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role\n"
    "1,007,010,0001,student\n2,007,010,0009,teacher\n",
    "academicSessions.csv": "sourcedId,title,type,startDate,endDate,schoolYear\n"
    "T,Autumn,term,2026-08-24,2026-12-18,2027\n",
    "courses.csv": "sourcedId,title,orgSourcedId,subjects\nK,Arts,010,05\n",
}
ONEROSTER_1_2 = {
    **ONEROSTER_1_1,
    "users.csv": "sourcedId,enabledUser,username,givenName,familyName,grades\n"
    "0001,true,ada,Ada,Berg,04\n0009,true,cy,Cy,Dahl,\n",
    "roles.csv": "sourcedId,userSourcedId,roleType,role,orgSourcedId\n"
    "1,0001,primary,student,010\n2,0009,primary,teacher,010\n",
}
SETS = {
    "sds-v1": V1, "sds-v1-uk": UK, "sds-v2": V2, "sds-v2.1": V2_1, "clever": CLEVER,
    "oneroster-1.1": ONEROSTER_1_1, "oneroster-1.2": ONEROSTER_1_2,
}  # fmt: skip


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())
    return folder


def load(folder: Path, files: dict[str, str], options: RosterOptions = DEFAULTS) -> str:
    return load_roster(STORE, write(folder, files), options).format


def refusal(folder: Path, files: dict[str, str], options: RosterOptions = DEFAULTS) -> RosterError:
    with pytest.raises(RosterError) as refused:
        load(folder, files, options)
    return refused.value


def rules() -> set[tuple[str, str]]:
    return {(each.rule, each.file) for each in findings(STORE)}


def canonical() -> list[object]:
    """The roster without origins, and without the name spaces that only some formats have."""
    bare = "regexp_replace({0}, '^(student|teacher)/', '')"
    return [
        STORE.rows(f"SELECT {columns} FROM roster.{table} ORDER BY ALL")
        for table, columns in (
            ("orgs", "id, name, type"),
            ("persons", f"{bare.format('id')}, source_id, username, given_name, family_name"),
            ("roles", f"{bare.format('person_id')}, org_id, role, grade"),
            ("sections", "id, org_id, title, session_ids, course_id"),
            ("enrollments", f"section_id, {bare.format('person_id')}, role"),
            ("sessions", "id, title, type, start_date, end_date"),
            ("courses", "id, title, subject"),
        )
    ]


def test_every_format_has_a_set_here() -> None:
    assert [each.name for each in FORMATS] == list(SETS)


@pytest.mark.parametrize("name", SETS)
def test_a_format_is_recognised_and_keeps_leading_zeros(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, SETS[name]) == name
    assert STORE.rows("SELECT source_id FROM roster.persons ORDER BY 1") == [("0001",), ("0009",)]
    assert STORE.rows("SELECT section_id FROM roster.enrollments") == [("007",), ("007",)]
    assert STORE.value("SELECT grade FROM roster.roles WHERE role = 'student'") == "04"
    assert not [each for each in findings(STORE) if each.severity == "error"]


def test_the_formats_say_the_same(tmp_path: Path) -> None:
    said = []
    for name in ("sds-v1", "sds-v1-uk", "sds-v2.1", "oneroster-1.1", "oneroster-1.2"):
        folder = tmp_path / name
        folder.mkdir()
        load(folder, SETS[name])
        said.append(canonical())
    assert all(each == said[0] for each in said)


@pytest.mark.parametrize("folder", sorted(TEMPLATES.iterdir()), ids=lambda folder: folder.name)
def test_the_sample_rosters_are_sound(folder: Path) -> None:
    load_roster(STORE, folder, RosterOptions(names_required=frozenset({"students", "staff"}), today=date(2026, 9, 1)))
    assert list(findings(STORE)) == []


def test_records_files_and_digests(tmp_path: Path) -> None:
    loaded = load_roster(STORE, write(tmp_path, V2), RosterOptions())
    assert loaded.sha256["orgs.csv"] == STORE.value("SELECT sha256 FROM roster.files WHERE file = 'orgs.csv'")
    assert STORE.rows("SELECT file, records FROM roster.files ORDER BY file") == [
        ("classes.csv", 1),
        ("enrollments.csv", 2),
        ("orgs.csv", 1),
        ("users.csv", 2),
    ]
    assert STORE.rows("SELECT id, file, record FROM roster.persons ORDER BY id") == [
        ("0001", "users.csv", 2),
        ("0009", "users.csv", 3),
    ]


def test_passwords_are_kept_only_when_asked_for(tmp_path: Path) -> None:
    load(tmp_path, V2)
    assert STORE.rows("SELECT DISTINCT password FROM roster.persons") == [(None,)]
    load(tmp_path, V2, RosterOptions(keep_passwords=True))
    assert STORE.value("SELECT password FROM roster.persons WHERE id = '0001'") == "Secret-9"


def test_a_second_load_replaces_the_first(tmp_path: Path) -> None:
    load(tmp_path, V2)
    load(tmp_path, {**V2, "users.csv": V2["users.csv"].replace("Ada", "Ida")})
    assert STORE.rows("SELECT given_name FROM roster.persons ORDER BY id") == [("Ida",), ("Cy",)]


FORMS: dict[str, Callable[[str], bytes]] = {
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "BOM": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "no last line end": lambda text: text.rstrip("\n").encode(),
    "blank lines at the end": lambda text: (text + "\n\r\n\n").encode(),
    "all quoted": lambda text: "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()
    ).encode(),
    "white space": lambda text: text.replace(",", " \t,\u00a0").encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_ways_to_write_the_same_file(tmp_path: Path, form: str) -> None:
    load(tmp_path, V2)
    plain = canonical()
    for name, text in V2.items():
        (tmp_path / name).write_bytes(FORMS[form](text))
    load_roster(STORE, tmp_path, RosterOptions())
    assert canonical() == plain


def test_blank_rows_count_as_rows_and_say_nothing(tmp_path: Path) -> None:
    text = V2["users.csv"].replace("\n0009", "\n\n,,,,,,,\n0009")
    load(tmp_path, {**V2, "users.csv": text})
    assert STORE.rows("SELECT id, record FROM roster.persons ORDER BY id") == [("0001", 2), ("0009", 5)]
    assert not [each for each in findings(STORE) if each.severity == "error"]


def test_quoted_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    text = V2["classes.csv"].replace("Art\n", '"Art, ""fine""\nand free"\n008,010,Music\n')
    load(tmp_path, {**V2, "classes.csv": text})
    assert STORE.rows("SELECT id, title, record FROM roster.sections ORDER BY id") == [
        ("007", 'Art, "fine" and free', 2),
        ("008", "Music", 3),
    ]


def test_names_of_files_and_headers_in_another_case(tmp_path: Path) -> None:
    files = {name.lower(): text.replace("SIS ID", "sis id", 1) for name, text in V1.items()}
    assert load(tmp_path, files) == "sds-v1"
    assert ("header-case", "school.csv") in rules()
    assert STORE.value("SELECT count(*) FROM roster.enrollments") == 2


def test_a_folder_whose_name_is_a_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "roster [1]*"
    folder.mkdir()
    load(folder, V2)
    assert STORE.value("SELECT count(*) FROM roster.persons") == 2


def test_users_alone_are_a_roster(tmp_path: Path) -> None:
    alone = {name: V1[name] for name in ("School.csv", "Student.csv", "Teacher.csv")}
    assert load(tmp_path, alone) == "sds-v1"


BAD_FILES: list[tuple[str, bytes, str]] = [
    ("UTF-16", V2["users.csv"].encode("utf-16"), "users.csv is UTF-16"),
    ("UTF-16 without mark", V2["users.csv"].encode("utf-16-le"), "offset 1, line 1: it looks like UTF-16"),
    ("cp1252", V2["users.csv"].replace("Cy", "Zoë").encode("cp1252"), "byte 0xEB at offset"),
    ("NUL", V2["users.csv"].replace("Cy", "C\0").encode(), "line 3: it is not a text file"),
    ("cut within a character", V2["users.csv"].encode() + "é".encode()[:1], "breaks off within a character"),
    ("empty", b"", "users.csv has no header row"),
    ("blank header", b"\n" + V2["users.csv"].encode(), "users.csv has no header row"),
    ("missing header", V2["users.csv"].replace("username", "login").encode(), "row 1: the header lacks 'username'"),
    ("duplicate header", V2["users.csv"].replace("grade", "role", 1).encode(), "column 'role' stands in the"),
    ("semicolons", V2["users.csv"].replace(",", ";").encode(), "separated by semicolons"),
    ("unclosed quote", V2["users.csv"].replace("Cy", '"Cy').encode(), "row 3: not CSV from line 3"),
    ("unclosed quote in the header", b'"sourcedId,x\n', "row 1: not CSV from line 1 on"),
    ("text after a quote", V2["users.csv"].replace("Cy", '"C"y').encode(), "row 3: not CSV from line 3"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "said"), [bad[1:] for bad in BAD_FILES], ids=[bad[0] for bad in BAD_FILES])
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, content: bytes, said: str) -> None:
    write(tmp_path, V2)
    (tmp_path / "users.csv").write_bytes(content)
    with pytest.raises(RosterError) as refused:
        load_roster(STORE, tmp_path, RosterOptions())
    assert len(refused.value.details) == 1
    assert refused.value.details[0].startswith("users.csv ")
    assert said in refused.value.details[0]
    assert STORE.value("SELECT count(*) FROM roster.orgs") == 0


@pytest.mark.parametrize(("separator", "called"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_whole_roster_with_other_separators_is_told_in_a_line_a_file(
    tmp_path: Path, separator: str, called: str
) -> None:
    details = refusal(tmp_path, {name: text.replace(",", separator) for name, text in V2_1.items()}).details
    assert list(details) == [
        f"{name} row 1: the cells are separated by {called}. Save it with commas." for name in sorted(V2_1)
    ]


def test_the_place_of_a_wrong_byte_far_into_a_file(tmp_path: Path) -> None:
    write(tmp_path, V2)
    text = V2["users.csv"] + "".join(f"{n},010,Ä{n},Ö,u{n},,student,04\n" for n in range(60_000))
    before = text.encode()
    (tmp_path / "users.csv").write_bytes(before + b"x,010,\xe9,O,x,,student,04\n")
    with pytest.raises(RosterError) as refused:
        load_roster(STORE, tmp_path, RosterOptions())
    assert f"byte 0xE9 at offset {len(before) + 6}, line 60004" in refused.value.details[0]


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    files = {**V2_1, "orgs.csv": "sourcedId,name\n", "classes.csv": "a,a\n"}
    del files["enrollments.csv"]
    details = refusal(tmp_path, files, RosterOptions()).details
    assert [detail.split()[0] for detail in details] == ["classes.csv", "orgs.csv", "enrollments.csv"]


def test_a_missing_file_can_be_accepted_by_name(tmp_path: Path) -> None:
    files = {name: text for name, text in V1.items() if name != "TeacherRoster.csv"}
    (detail,) = refusal(tmp_path, files).details
    assert "--accept-missing TeacherRoster.csv" in detail
    assert load(tmp_path, files, RosterOptions(accept_missing=frozenset({"TeacherRoster.csv"}))) == "sds-v1"


def test_an_unknown_set_says_what_each_format_would_need(tmp_path: Path) -> None:
    error = refusal(tmp_path, {"School.csv": V1["School.csv"], "notes.csv": "x\n"})
    assert "is in no format" in error.message
    assert error.details[0] == "Found: School.csv, notes.csv."
    for each in FORMATS:
        assert any(detail.startswith(f"{each.name} would need") for detail in error.details)


def test_a_format_by_name(tmp_path: Path) -> None:
    write(tmp_path, V1)
    assert load_roster(STORE, tmp_path, RosterOptions(), "sds-v1").format == "sds-v1"
    with pytest.raises(RosterError, match="no roster format 'sds-v9'"):
        load_roster(STORE, tmp_path, RosterOptions(), "sds-v9")
    with pytest.raises(RosterError) as refused:
        load_roster(STORE, tmp_path, RosterOptions(), "sds-v2")
    assert any("orgs.csv is missing" in detail for detail in refused.value.details)


def test_a_folder_that_is_not_there_is_empty_or_is_a_file(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "one.csv"):
        if path.suffix:
            path.write_text("a\n")
        with pytest.raises(RosterError):
            load_roster(STORE, path, RosterOptions())


def test_a_wrong_date_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="'YY-MM-DD'"):
        load(tmp_path, V1, RosterOptions(date_formats=("YY-MM-DD",)))


ISO_DATES = st.dates(date(1890, 1, 1), date(2210, 1, 1)).map(str)
LIKE_DATES = st.one_of(
    st.sampled_from(
        ("", " 2026-08-24 ", "2026-8-24", "2026-08-24T00:00:00Z", "2026/08/24", "2026-08-24 (BC)", "epoch")
    ),
    st.tuples(ISO_DATES, st.integers(0, 9), st.sampled_from("0129 -/+é")).map(
        lambda given: given[0][: given[1]] + given[2] + given[0][given[1] + 1 :]
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    written=st.one_of(
        st.lists(st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(str), min_size=1, max_size=5),
        st.lists(ISO_DATES | LIKE_DATES, min_size=1, max_size=5),
    ),
    forms=st.sampled_from((("YYYY-MM-DD",), ("YYYY-MM-DD", "YYYY/M/D"), ("D/M/YYYY",))),
)
def test_dates_read_as_dates_are_those_that_are_judged_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: list[str], forms: tuple[str, ...]
) -> None:
    def read() -> tuple[list[tuple[object, ...]], ...]:
        load(tmp_path, {**V2_1, "demographics.csv": text}, RosterOptions(date_formats=forms, today=date(2199, 1, 1)))
        born = STORE.rows("SELECT person_id, birth_date, record FROM roster.demographics ORDER BY record")
        return born, STORE.rows("FROM roster.findings ORDER BY ALL")

    rows = [f'{number},"{day}"\n' for number, day in enumerate(written)]
    text = "userSourcedId,birthDate\n" + "".join(rows)
    with monkeypatch.context() as patched:
        patched.setattr(File, "dates", lambda _file: frozenset())
        judged = read()
    assert read() == judged


@pytest.mark.parametrize(
    ("others", "kept"), [("2010-02-03", "DATE"), ("", "DATE"), ("3.2.2010", "VARCHAR"), ("2010-02-30", "VARCHAR")]
)
def test_one_date_of_another_form_and_none_is_kept_as_a_date(tmp_path: Path, others: str, kept: str) -> None:
    path = tmp_path / "demographics.csv"
    path.write_text(f"userSourcedId,birthDate\ns1,2010-02-04\ns2,{others}\n")
    columns = {"userSourcedId": 0, "birthDate": 1}
    file = CsvFile(path, scan(path), list(columns), True, columns, dates=frozenset({"birthDate"}))
    read = stage(STORE, file, tmp_path)
    assert STORE.value("SELECT typeof(birthDate) FROM stage LIMIT 1") == kept
    assert read.dates == ({"birthDate"} if kept == "DATE" else set())
    clear(STORE)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=60).map(lambda tail: V2["users.csv"].encode() + tail),
        st.text(alphabet='a"\n\r, \té\u2028;\0', max_size=60).map(lambda tail: (V2["users.csv"] + tail).encode()),
    ),
    victim=st.sampled_from(sorted(V2)),
)
def test_whatever_bytes_a_file_has_it_loads_or_is_refused(tmp_path: Path, content: bytes, victim: str) -> None:
    write(tmp_path, V2)
    (tmp_path / victim).write_bytes(content)
    with suppress(RosterError):
        load_roster(STORE, tmp_path, RosterOptions())
        return
    assert STORE.value("SELECT count(*) FROM roster.files") == 0
