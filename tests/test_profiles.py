"""Several profiles in one tenant: what one has made or taken over, no other one writes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from support.world import Planned, Roster, World

from provision.cli import main
from provision.errors import Locked, StateError
from provision.store import open_store
from provision.store.log import Log, log_beside

pytestmark = pytest.mark.once

A1 = "STANDARDWOFFPACK_STUDENT"
BOTH = {"licenses": f'["{A1}"]', "school_groups": 'all = ["students", "teachers"]'}


def district() -> Roster:
    """Two schools; a teacher and a student are at both."""
    roster = Roster().people("N1", "B1", grade="03").people("S1", org="11").person("T1", role="teacher")
    for person, role in (("B1", "student"), ("T1", "teacher")):
        roster.roles.append({"userSourcedId": person, "orgSourcedId": "11", "role": role})
    roster.section("CN", teacher="T1", students=["N1", "B1"])
    return roster.section("CS", org="11", teacher="T1", students=["S1", "B1"])


def profile(school: World, name: str, *schools: str, **tables: str) -> World:
    """A profile of that name for these schools, with a folder of its own and the state folder of the first."""
    folder = school.folder / name
    folder.mkdir()
    made = World(folder, school.server, school.sandbox)
    made.state = school.state
    path = made.profile(**{**BOTH, **tables})
    text = path.read_text(encoding="utf-8").replace('name = "test"', f'name = "{name}"')
    scope = ", ".join(f'"{id_}"' for id_ in schools)
    path.write_text(text.replace('path = "roster"', f'path = "roster"\nschools = [{scope}]'), encoding="utf-8")
    return made


def others(planned: Planned) -> set[tuple[str, str, str]]:
    """(what, key, the other profile) of what is left to it."""
    return {(note["what"], note["key"], note["cause"]["field"]) for note in planned.notes
            if note["cause"]["rule"] == "other-profile"}  # fmt: skip


def objects(world: World) -> set[str]:
    """The keys of the objects in the ledger."""
    with world.run() as run:
        return {key for (key,) in run.store.rows("SELECT key FROM ledger.objects")}


def test_a_person_of_two_profiles_is_written_by_the_first_and_joins_the_classes_of_the_second(school: World) -> None:
    north, south = profile(school, "north", "10"), profile(school, "south", "11")
    north.day(district())
    roster = district()
    roster.users[1]["givenName"] = roster.users[3]["givenName"] = "Changed"
    planned = south.day(roster)
    assert others(planned) == {("protected", "user:B1", "north"), ("protected", "user:T1", "north")}
    assert planned.ids("user", "license", "section", "school") == [
        "create:user:S1", f"add:license:S1/{A1}", "create:school:11", "create:section:CS"
    ]  # fmt: skip
    assert set(planned.ids("owner", "member")) == {
        "add:owner:CS/T1", "add:member:CS/B1", "add:member:CS/S1", "add:member:CS/T1"
    }  # fmt: skip
    assert {"add:school_user:11/B1", "add:group_member:teachers/T1"} <= set(planned.ids())
    assert {"user:B1", "user:T1"} & objects(south) == set()
    assert set(north.plan(roster).ids()) == {"update:user:B1", "update:user:T1"}, "the first one goes on"
    left = district()
    left.enrollments = [row for row in left.enrollments if row != {"classSourcedId": "CS", "userSourcedId": "B1",
                                                                   "role": "student"}]  # fmt: skip
    assert south.plan(left).ids() == ["remove:member:CS/B1"], "what the second one added, it takes away"


def test_a_section_and_a_school_of_another_profile_are_left_out_with_their_members(school: World) -> None:
    first, second = profile(school, "first", "10"), profile(school, "second", "10", "11")
    first.day(district())
    planned = second.day(district())
    assert others(planned) >= {("conflict", "section:CN", "first"), ("conflict", "school:10", "first")}
    assert not [id_ for id_ in planned.ids() if "CN" in id_ or id_.startswith("add:school_user:10/")]
    assert "create:section:CS" in planned.ids()


def test_school_groups_are_each_profile_s_own_unless_two_come_to_one_name(school: World) -> None:
    groups = {"school_groups": 'per_school = ["students"]'}
    one = profile(school, "a", "b", **groups)
    other = profile(school, "a_b", "10", school_groups='all = ["students"]')
    roster = district()
    roster.orgs.append({"sourcedId": "b", "name": "Bay School", "type": "school", "parentSourcedId": "D"})
    one.day(roster)
    assert others(other.plan(roster)) == {("conflict", "school_group:students", "a")}


def test_what_was_deleted_by_hand_is_not_made_anew_by_another_profile(school: World) -> None:
    first, second = profile(school, "first", "10"), profile(school, "second", "10")
    first.day(district())
    for user in list(school.tenant.live["user"].values()):
        if user.values.get("userPrincipalName") == "n1@students.contoso.edu":
            school.tenant.delete(user)
    school.tenant.delete(next(group for group in school.tenant.live["group"].values()
                              if group.values["mailNickname"] == "Section_CN"))  # fmt: skip
    again = second.plan(district())
    assert {("conflict", "user:N1", "first"), ("conflict", "section:CN", "first")} <= others(again)
    assert not {"create:user:N1", "create:section:CN"} & set(again.ids())


def test_what_the_other_profile_took_over_after_the_plan_is_stale(school: World) -> None:
    first, second = profile(school, "first", "10"), profile(school, "second", "10")
    known = school.tenant.add_user(
        userPrincipalName="n1@students.contoso.edu", displayName="Known", mailNickname="n1", usageLocation="US",
        primaryRole="student", student={"externalId": "N1"},
    )  # fmt: skip
    waiting = second.plan(district())
    assert waiting.change("update:user:N1")["object_id"] == known
    # the first one matches the account too, and it is changed in nothing that the second one's plan would write
    first.profile(mode="existing", licenses=f'["{A1}"]', sections="enabled = false",
                  schools="administrative_units = false")  # fmt: skip
    text = (first.folder / "profile.toml").read_text(encoding="utf-8").replace('"test"', '"first"')
    (first.folder / "profile.toml").write_text(text.replace("properties", "display_name = '{id}'\nproperties", 1))
    planned = first.plan(district())
    first.apply(planned)
    _, results = second.apply(waiting)
    for id_ in ("update:user:N1", f"add:license:N1/{A1}"):
        assert results[id_]["status"] == "stale", results[id_]
    assert results[f"add:license:N1/{A1}"]["error"] == "it belongs to the profile first since the plan"
    assert results["create:section:CN"]["status"] == "done"
    assert "user:N1" not in objects(second)
    assert ("protected", "user:N1", "first") in others(second.plan(district()))


def test_of_two_that_both_remember_an_object_the_first_by_name_has_it(school: World) -> None:
    first, second = profile(school, "first", "10"), profile(school, "second", "10")
    first.day(district())
    kept = (school.state / "first.duckdb").rename(school.folder / "kept.duckdb")
    second.day(district())
    kept.rename(school.state / "first.duckdb")
    assert others(first.plan(district())) == set()
    assert ("protected", "user:N1", "first") in others(second.plan(district()))


def test_profiles_of_another_tenant_or_folder_do_not_matter(school: World) -> None:
    first, second = profile(school, "first", "10"), profile(school, "second", "10")
    first.day(district())
    with first.run() as run:
        run.store.run("UPDATE ledger.profile SET tenant = 'elsewhere'")
    assert others(second.plan(district())) == set()


def held_by_another_process(world: World, name: str) -> subprocess.Popen[bytes]:
    """A process that has the profile's state open."""
    code = (
        "import sys; from pathlib import Path; from provision.store import open_store; "
        "store = open_store(Path(sys.argv[1]), sys.argv[2]); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(world.state), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_a_run_of_the_other_profile_is_waited_for_also_by_apply(
    school: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROVISION_GRAPH_URL", school.server.url)
    first, second = profile(school, "first", "10"), profile(school, "second", "11")
    planned = second.plan(district())
    first.plan(district())
    with held_by_another_process(school, "first") as holder:
        arguments = ["--profile", str(second.folder / "profile.toml"), "--state", str(school.state)]
        assert main(["plan", *arguments]) == 6
        assert "A run of the profile 'first'" in capsys.readouterr().err
        with pytest.raises(Locked):
            second.apply(planned)
        assert not school.writes()
        holder.communicate()
    assert second.apply(planned)[0].complete


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def newer(path: Path) -> None:
    store = open_store(path.parent, path.stem)
    store.run(f'INSERT INTO "{path.stem}".run.schema_version VALUES (1000)')
    store.close()


def foreign(path: Path) -> None:
    connection = duckdb.connect(str(path))
    connection.execute("CREATE TABLE ours (id INTEGER)")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(garbage, "cannot be read"), (newer, "newer version of provision (schema 1000)"), (foreign, "cannot be read")],
)
def test_a_file_that_cannot_be_read_is_not_taken_for_empty(
    school: World, spoil: Callable[[Path], None], words: str
) -> None:
    second = profile(school, "second", "11")
    school.state.mkdir()
    spoil(school.state / "first.duckdb")
    with pytest.raises(StateError) as refused:
        second.plan(district())
    assert words in refused.value.message
    assert "first.duckdb" in refused.value.message
    (school.state / "first.duckdb").unlink()
    assert second.plan(district()).ids()


def test_the_ledger_of_a_run_that_was_killed_is_read_too(school: World) -> None:
    """Its last writes are in the log beside the file, and nothing says yet that a plan was applied whole."""
    code = (
        "import os, sys; from pathlib import Path; from provision.store import open_store; "
        "store = open_store(Path(sys.argv[1]), 'first'); "
        "store.run(\"INSERT INTO journal.runs VALUES ('r', 'p', ?, now(), NULL, 0, 0, 0, 0)\", [sys.argv[2]]); "
        "store.run(\"INSERT INTO ledger.objects VALUES ('user', 'user:N1', 'an-id', 'r')\"); os._exit(9)"
    )
    school.state.mkdir()
    killed = subprocess.run([sys.executable, "-c", code, str(school.state), school.tenant.id], check=False)
    assert killed.returncode == 9
    assert (school.state / "first.duckdb.wal").exists()
    assert ("conflict", "user:N1", "first") in others(profile(school, "second", "10").plan(district()))


def test_what_a_killed_run_left_in_its_log_is_read_too(school: World) -> None:
    first, second = profile(school, "first", "11"), profile(school, "second", "10")
    first.day(district())
    left = Log(log_beside(school.state / "first.duckdb"))
    made = {"change_id": "create:user:N1", "kind": "user", "action": "create", "key": "user:N1"}
    left.write("r", [made])
    left.close()
    assert ("conflict", "user:N1", "first") not in others(second.plan(district()))
    left = Log(left.path)
    left.write("r", [{**made, "status": "done", "object_id": "an-id"}])
    left.close()
    assert ("conflict", "user:N1", "first") in others(second.plan(district()))
