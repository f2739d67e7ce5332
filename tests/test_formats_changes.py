"""What a manifest says, and packages of changes: put upon a full export, newest first, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.oneroster import (
    DEMOGRAPHICS,
    LIFE,
    SDS_V2_1,
    STORE,
    USERS_1_1,
    V1_1,
    added,
    changed,
    found,
    held,
    load,
    manifest,
    package,
    refusal,
    table,
    write,
)

from provision.errors import RosterError
from provision.formats import load_roster
from provision.roster.options import RosterOptions
from provision.roster.summary import findings

# -- the manifest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (manifest(users="bulk", demographics="bulk", results="bulk", lineItems="absent"), None),
        (manifest("1.0"), None),
        (manifest("1.2"), "It gives the version as '1.2', but the files are those of OneRoster 1.0 or 1.1 CSV."),
        (manifest(demographics="absent"), "It calls demographics.csv absent, but the file is there."),
        (manifest(ROLES="Bulk"), None),
    ],
)
def test_files_count_where_the_manifest_says_otherwise(tmp_path: Path, text: str, said: str | None) -> None:
    assert load(tmp_path, {**V1_1, "manifest.csv": text}) == "oneroster-1.1"
    told = [each.message for each in findings(STORE) if each.rule == "manifest-differs"]
    assert told == ([said] if said else [])
    assert table("person_id", "demographics") == [("s1",)]


def test_a_file_that_the_manifest_promises_is_missed(tmp_path: Path) -> None:
    files = {name: text for name, text in V1_1.items() if name != "demographics.csv"}
    load(tmp_path, {**files, "manifest.csv": manifest(Demographics="BULK")})
    assert [each.message for each in findings(STORE) if each.rule == "manifest-differs"] == [
        "It calls demographics.csv bulk, but the file is not there."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (manifest(users="incremental"), "manifest.csv calls users.csv 'incremental'. Write bulk, delta or absent."),
        ("name,value\nfile.users,delta\n", "manifest.csv row 1: the header lacks 'propertyName'"),
        ("propertyName,value\n" + "x,y\n" * 20_000, "manifest.csv has more than 10,000 rows"),
        ('propertyName,value\n"' + "x" * 200_000 + '",y\n', "manifest.csv "),
    ],
)
def test_an_unclear_manifest_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, {**V1_1, "manifest.csv": text})


@pytest.mark.parametrize("row", ["file.users.csv,delta", "File.Users ,Delta", "file.users.CSV, delta"])
def test_changes_are_known_as_such_however_the_manifest_names_the_file(tmp_path: Path, row: str) -> None:
    """Taken for a full export, they would make all others look gone."""
    text = f"propertyName,value\noneroster.version,1.1\n{row}\n"
    assert "users.csv" in refusal(tmp_path, {**V1_1, "manifest.csv": text})


@pytest.mark.parametrize("row", ["file.users", "file.users,", 'file.users," "'])
def test_a_file_of_which_the_manifest_does_not_say_whether_it_is_whole_is_refused(tmp_path: Path, row: str) -> None:
    text = f"propertyName,value\noneroster.version,1.1\n{row}\n"
    told = refusal(tmp_path, {**V1_1, "manifest.csv": text})
    assert "users.csv is there, and the manifest does not say how. Write bulk or delta." in told
    load(tmp_path / "other", {**V1_1, "manifest.csv": text.replace("users", "results")})


def test_a_manifest_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(manifest().encode("utf-16"))
    assert "manifest.csv is UTF-16" in refusal(tmp_path, V1_1)


def test_a_manifest_beside_another_format_is_only_an_unknown_file(tmp_path: Path) -> None:
    assert load(tmp_path, {**SDS_V2_1, "manifest.csv": "a\n"}) == "sds-v2.1"
    assert ("unknown-file", "note", None) in found()


def test_a_manifest_alone_is_not_an_empty_roster(tmp_path: Path) -> None:
    told = refusal(tmp_path, {"manifest.csv": manifest(users="absent")})
    assert "holds a manifest and nothing else" in told
    assert "nothing has changed" in told


# -- full exports and changes


FULL = {**V1_1, "manifest.csv": manifest(**{name.removesuffix(".csv"): "bulk" for name in V1_1})}
USER = "{id},{status},{date},true,A,student,{id},,{given},Berg,,,,,,,,\n"


def changes(*rows: tuple[str, str, str, str]) -> dict[str, str]:
    """Changes of users: id, status, date, first name."""
    lines = [USER.format(id=id_, status=status, date=date, given=given) for id_, status, date, given in rows]
    return {"manifest.csv": manifest(users="delta", orgs="absent"), "users.csv": USERS_1_1 + "".join(lines)}


MONDAY = changes(("s1", "active", "2026-09-07T06:00:00Z", "Ida"), ("s8", "active", "2026-09-07T06:00:00Z", "Eva"))
TUESDAY = changes(
    ("s1", "active", "2026-09-08T06:00:00.500Z", "Ira"), ("s8", "tobedeleted", "2026-09-08T06:00:00Z", "E")
)


@pytest.mark.parametrize(
    "names",
    [("full.zip", "b.zip", "a.zip"), ("full", "b", "a"), ("full", "b.zip", "a")],
    ids=["ZIPs", "folders", "both"],
)
def test_changes_are_put_upon_the_full_export(tmp_path: Path, names: tuple[str, str, str]) -> None:
    for name, files in zip(names, (FULL, MONDAY, TUESDAY), strict=True):
        package(tmp_path / name, files)
    loaded = load_roster(STORE, tmp_path, RosterOptions())
    assert loaded.format == "oneroster-1.1"
    assert table("id, given_name, file, record", "persons") == [
        ("g1", "Gus", f"{names[0]}/users.csv", 5),
        ("g2", "Gia", f"{names[0]}/users.csv", 6),
        ("s1", "Ira", f"{names[2]}/users.csv", 2),  # by date, not by name
        ("s2", "Bo", f"{names[0]}/users.csv", 3),
        ("t1", "Cy", f"{names[0]}/users.csv", 4),
    ]
    assert f"{names[2]}/users.csv" in loaded.sha256
    told = {(each.rule, each.file, each.message) for each in findings(STORE) if each.rule not in LIFE}
    assert told == {
        ("grade-read-as", f"{names[0]}/courses.csv", "Read as 04,05 in 1 record(s), this one first."),
        ("person-without-role", f"{names[0]}/users.csv", "This person has no role."),  # nobody's guardian any more
        ("to-be-deleted", f"{names[2]}/users.csv", "1 record(s) are marked as deleted; they count as absent."),
        ("changes-applied", f"{names[1]}/users.csv", "0 record(s) are new, or replace older ones."),
        ("changes-applied", f"{names[2]}/users.csv", "1 record(s) are new, or replace older ones."),
    }


def test_changes_alone_are_no_roster(tmp_path: Path) -> None:
    several = tmp_path / "several"
    several.mkdir()
    package(several / "a", MONDAY)
    package(several / "b.zip", TUESDAY)
    loose = write(tmp_path / "loose", MONDAY)
    for path in (loose, several, several / "b.zip"):
        with pytest.raises(RosterError, match="holds changes only") as refused:
            load_roster(STORE, path, RosterOptions())
        assert "users.csv" in refused.value.details[0]
        assert "a full export" in refused.value.details[1]


@pytest.mark.parametrize("kept", ["results.csv", "orgs.csv"])
def test_what_is_no_full_export_is_no_ground_for_changes(tmp_path: Path, kept: str) -> None:
    package(tmp_path / "full", {"manifest.csv": manifest(), kept: FULL.get(kept, "sourcedId\nx\n")})
    package(tmp_path / "b", {**MONDAY, "orgs.csv": changed(FULL, "orgs.csv", (",,,", ",,2026-09-07,"))["orgs.csv"]})
    assert "b/users.csv holds changes only, and users.csv is in no full export." in refusal(tmp_path)


def test_one_file_of_changes_among_whole_ones_is_refused(tmp_path: Path) -> None:
    told = refusal(tmp_path, {**V1_1, "manifest.csv": manifest(users="delta", orgs="bulk")})
    assert "holds changes only" in told


def test_changes_older_than_the_full_export_are_passed_over(tmp_path: Path) -> None:
    dated = changed(FULL, "users.csv", ("s2,,,", "s2,active,2026-09-07T18:00:00Z,"))
    for name, files in (("new", dated), ("a", MONDAY), ("b", TUESDAY)):
        package(tmp_path / name, files)
    load_roster(STORE, tmp_path, RosterOptions())
    assert STORE.value("SELECT given_name FROM roster.persons WHERE id = 's1'") == "Ira"
    assert [each.file for each in findings(STORE) if each.rule == "file-passed-over"] == ["a/users.csv"]


def test_a_newer_full_export_makes_the_older_one_superfluous(tmp_path: Path) -> None:
    old, new = (
        changed(FULL, "users.csv", ("Ada", given), ("s2,,,", f"s2,active,{date},"))
        for given, date in (("Old", "2026-09-01T00:00:00Z"), ("New", "2026-09-02T00:00:00Z"))
    )
    del new["demographics.csv"]
    for name, files in (("z-old", old), ("a-new", new)):
        package(tmp_path / name, files)
    load_roster(STORE, tmp_path, RosterOptions())
    assert STORE.value("SELECT given_name FROM roster.persons WHERE id = 's1'") == "New"
    assert table("*", "demographics") == []  # the newer one says that there are none
    passed = {each.file for each in findings(STORE) if each.rule == "file-passed-over"}
    assert passed == {f"z-old/{name}" for name in V1_1}


def test_packages_that_nobody_can_put_in_order_are_refused(tmp_path: Path) -> None:
    package(tmp_path / "full.zip", FULL)
    package(tmp_path / "x.zip", changes(("s1", "active", "", "Ida")))
    told = refusal(tmp_path)
    assert "x.zip: no record has a dateLastModified" in told
    package(tmp_path / "x.zip", FULL)
    assert "full.zip: no record has a dateLastModified" in refusal(tmp_path)


def given_name_with_monday(folder: Path, full: dict[str, str]) -> str:
    """The first name of s1, where Monday's changes lie beside a full export."""
    package(folder / "full", full)
    package(folder / "a", MONDAY)
    load_roster(STORE, folder, RosterOptions())
    return str(STORE.value("SELECT given_name FROM roster.persons WHERE id = 's1'"))


def test_a_date_without_end_is_not_the_newest(tmp_path: Path) -> None:
    dates = [("s1,,,", "s1,active,2026-08-01T00:00:00Z,"), ("s2,,,", "s2,active,infinity,")]
    assert given_name_with_monday(tmp_path, changed(FULL, "users.csv", *dates)) == "Ida"


def test_the_date_of_a_package_is_found_whatever_the_case_of_its_header(tmp_path: Path) -> None:
    """Else the newer full export counted as the oldest, and old changes were put upon it."""
    dates = [("s2,,,", "s2,active,2026-09-07T18:00:00Z,"), ("dateLastModified", "DateLastModified")]
    assert given_name_with_monday(tmp_path, changed(FULL, "users.csv", *dates)) == "Ada"


@pytest.mark.parametrize("date", ["07/09/2026 18:00", "infinity", "yesterday"])
def test_dates_of_a_package_that_nobody_can_read_are_refused(tmp_path: Path, date: str) -> None:
    package(tmp_path / "full", changed(FULL, "users.csv", ("s2,,,", f"s2,active,{date},")))
    package(tmp_path / "a", MONDAY)
    assert "full/users.csv: no dateLastModified in it can be read." in refusal(tmp_path)


@pytest.mark.parametrize("full", ["full", "full.zip"])
def test_a_folder_among_packages_that_is_not_whole_is_refused(tmp_path: Path, full: str) -> None:
    package(tmp_path / full, FULL)
    package(tmp_path / "monday", {name: text for name, text in MONDAY.items() if name != "manifest.csv"})
    assert "monday: it has CSV files and no manifest.csv" in refusal(tmp_path)


def test_a_folder_among_packages_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "full", FULL)
    package(tmp_path / "monday", MONDAY)
    listed = Path.iterdir

    def refused(path: Path) -> Iterator[Path]:
        if path.name == "monday":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    assert "monday: it cannot be read: Permission denied." in refusal(tmp_path)


def test_a_folder_beside_the_files_is_told(tmp_path: Path) -> None:
    write(tmp_path, V1_1)
    write(tmp_path / "last-year", V1_1)
    load_roster(STORE, tmp_path, RosterOptions())
    assert [each.message for each in findings(STORE) if each.rule == "unknown-file"] == [
        "last-year/ is a folder; it is not read."
    ]


def test_a_linked_package_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    roster = tmp_path / "roster"
    package(roster / "full", FULL)
    package(tmp_path / "elsewhere", MONDAY)
    (roster / "monday").symlink_to(tmp_path / "elsewhere")
    assert "monday: it is a link; put the folder itself there." in refusal(roster)


def test_packages_have_a_limit_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, files in (("full", FULL), ("a", MONDAY)):
        package(tmp_path / name, files)
    size = sum(file.stat().st_size for file in tmp_path.rglob("*.csv"))
    monkeypatch.setattr("provision.formats.package.MOST_BYTES", size)
    load_roster(STORE, tmp_path, RosterOptions())
    monkeypatch.setattr("provision.formats.package.MOST_BYTES", size - 1)
    with pytest.raises(RosterError, match=f"{size:,} bytes, far more than a roster has"):
        load_roster(STORE, tmp_path, RosterOptions())


def test_loose_files_beside_changes_are_told_what_a_package_is(tmp_path: Path) -> None:
    write(tmp_path, FULL)
    package(tmp_path / "monday.zip", MONDAY)
    assert "make each a ZIP or a folder of its own" in refusal(tmp_path)


def test_changes_of_a_file_that_the_full_export_does_not_have(tmp_path: Path) -> None:
    full = {name: text for name, text in FULL.items() if name != "demographics.csv"}
    born = {
        "manifest.csv": manifest(demographics="delta"),
        "demographics.csv": DEMOGRAPHICS + "s2,active,2026-09-07T00:00:00Z,2016-05-05,male,,,,,,,,,,,\n",
    }
    package(tmp_path / "full", full)
    package(tmp_path / "b", born)
    load_roster(STORE, tmp_path, RosterOptions())
    assert table("person_id", "demographics") == [("s2",)]


def test_a_bad_record_among_changes_does_not_bring_the_old_one_back(tmp_path: Path) -> None:
    bad = changed(MONDAY, "users.csv", ("student,s1,,Ida", "student,,,Ida"))
    package(tmp_path / "full", FULL)
    package(tmp_path / "b", bad)
    load_roster(STORE, tmp_path, RosterOptions())
    assert "s1" not in {id_ for (id_,) in table("id", "persons")}
    assert {("person", "s1", None), ("enrollment", "c1", "s1"), ("enrollment", "c2", "s1")} <= held()
    assert [(each.file, each.record) for each in findings(STORE) if each.rule == "required-value"] == [
        ("b/users.csv", 2)
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"s8,active,2026-09-07T06:00:00Z,true,A,student,{'x' * 100_000},,Eva,Berg,,,,,,,,", ""),
        ('s8,active,2026-09-07T06:00:00Z,true,A,student,eva,,"Eva,Berg,,,,,,,,', "b/users.csv row 4: not CSV"),
        ("s8,active,2026-09-07T06:00:00Z,true,A,student,eva", ""),
    ],
    ids=["long", "unclosed", "short"],
)
def test_odd_rows_among_changes(tmp_path: Path, row: str, said: str) -> None:
    package(tmp_path / "full", FULL)
    package(tmp_path / "b", added(MONDAY, "users.csv", row))
    if said:
        assert said in refusal(tmp_path)
    else:
        load_roster(STORE, tmp_path, RosterOptions())
        assert STORE.value("SELECT given_name FROM roster.persons WHERE id = 's1'") == "Ida"


def test_a_class_deleted_among_changes_takes_its_old_enrollments_along(tmp_path: Path) -> None:
    head = V1_1["classes.csv"].split("\n")[0]
    gone = {
        "manifest.csv": manifest(classes="delta"),
        "classes.csv": head + "\nc1,tobedeleted,2026-09-07T00:00:00Z,,,,,,,,,,,\n",
    }
    package(tmp_path / "full", FULL)
    package(tmp_path / "b", gone)
    load_roster(STORE, tmp_path, RosterOptions())
    assert table("id", "sections") == [("c2",)]
    assert table("section_id", "enrollments") == [("c2",)]
    assert held() == set()


def test_a_class_that_comes_back_among_changes_in_error_is_held(tmp_path: Path) -> None:
    head = V1_1["classes.csv"].split("\n")[0]
    for name, row in (("b", "c1,tobedeleted,2026-09-07,,,,,,,,,,,"), ("c", "c1,active,2026-09-08,,,,,,,A,Y,,,")):
        rows = {"manifest.csv": manifest(classes="delta"), "classes.csv": f"{head}\n{row}\n"}
        package(tmp_path / name, rows)
    package(tmp_path / "full", FULL)
    load_roster(STORE, tmp_path, RosterOptions())
    assert {("section", "c1", None), ("enrollment", "c1", "s1"), ("enrollment", "c1", "t1")} <= held()


def test_a_package_of_nothing_but_its_manifest_changes_nothing(tmp_path: Path) -> None:
    package(tmp_path / "full", FULL)
    package(tmp_path / "quiet.zip", {"manifest.csv": manifest(users="absent")})
    load_roster(STORE, tmp_path, RosterOptions())
    assert len(table("id", "persons")) == 5


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["s1", "s2", "s3", "s4"]), st.one_of(st.none(), st.sampled_from("PQR"))),
        max_size=4,
    )
)
def test_changes_say_what_they_would_say_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, days: list[dict[str, str | None]]
) -> None:
    """None deletes; whoever is in the school in the end is the same as if every day had been written into one file."""
    folder = tmp_path_factory.mktemp("days")
    package(folder / "full", {**FULL, "users.csv": USERS_1_1 + USER.format(id="s1", status="", date="", given="X")})
    expected: dict[str, str | None] = {"s1": "X"}
    for number, day in enumerate(days, start=1):
        rows = [
            (id_, "active" if given else "tobedeleted", f"2026-09-{number:02}", given or "gone")
            for id_, given in day.items()
        ]
        # names against the order of the dates, and a day without changes has only its manifest
        package(folder / f"{9 - number}.zip", changes(*rows) if rows else {"manifest.csv": manifest(users="absent")})
        expected |= day
    load_roster(STORE, folder, RosterOptions())
    assert dict(STORE.rows("SELECT id, given_name FROM roster.persons")) == {
        id_: given for id_, given in expected.items() if given
    }
