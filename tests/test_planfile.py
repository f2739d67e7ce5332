"""The plan file: whole or absent, the same bytes for the same input, and one altered byte is refused."""

from __future__ import annotations

import gzip
import json
import random
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from support.world import Roster, World

from provision.cli.road import utc_now
from provision.errors import PlanFileError, StalePlan
from provision.plan import planfile
from provision.plan.planfile import PlanFile
from provision.policy.kinds import ORDER


def district() -> Roster:
    """Something of everything."""
    roster = Roster().person("T1", role="teacher").person("T2", role="teacher", org="11")
    for number in range(12):
        roster.person(f"S{number}", org="10" if number % 3 else "11", grade="07")
    roster.section("C1", teacher="T1", students=["S1", "S2", "S4"])
    return roster.section("C2", teacher="T2", org="11", students=["S0", "S3"])


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_the_same_input_gives_the_same_bytes_whatever_the_order_of_rows(school: World) -> None:
    first = school.plan(district())
    shuffled = district()
    for table in (shuffled.enrollments,):
        random.Random(7).shuffle(table)
    second = school.plan(district())
    assert lines(second.file.path)[1:] == lines(first.file.path)[1:]
    third = school.plan(shuffled)

    def told(planned: list[dict[str, object]]) -> list[dict[str, object]]:
        return [{**change, "cause": None} for change in planned]

    assert told(third.changes) == told(first.changes)  # only the rows that causes name have moved


def test_times_stand_in_the_first_line_only(school: World) -> None:
    planned = school.plan(district())
    rest = b"".join(lines(planned.file.path)[1:]).decode()
    assert planned.header["created_at"][:10] not in rest


def test_every_line_fits_the_published_schema(school: World) -> None:
    school.profile(licenses='["STANDARDWOFFPACK_STUDENT"]', school_groups='all = ["students"]')
    school.day(district())
    roster = district()
    roster.enrollments.pop(0)
    roster.classes[1]["title"] = "New name"
    schema = json.loads((Path(__file__).parents[1] / "docs" / "plan.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for planned in (school.plan(roster), school.plan(district())):
        found = [json.loads(line) for line in lines(planned.file.path)]
        assert {line["type"] for line in found} >= {"plan"}
        for line in found:
            validator.validate(line)
    assert schema["$defs"]["kind"]["enum"] == list(ORDER)


@pytest.mark.parametrize("name", ["plan.jsonl", "plan.jsonl.gz"])
def test_an_altered_plan_is_refused(school: World, name: str) -> None:
    planned = school.plan(district())
    original = planned.file.path.read_bytes()
    school.apply(planned)
    path = planned.file.path.with_name(name)
    pack = gzip.compress if name.endswith(".gz") else bytes
    path.write_bytes(pack(original))
    PlanFile(path).verify()
    for change in (
        original.replace(b'"GivenS1"', b'"GivenS9"'),
        original.replace(b'"tripped":false', b'"tripped":true', 1),
        original[: original.rindex(b"\n", 0, -1) + 1],
        original + original[original.rindex(b"\n", 0, -1) + 1 :],
    ):
        assert change != original
        path.write_bytes(pack(change))
        with pytest.raises(PlanFileError, match="altered"):
            PlanFile(path).verify()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a plan"),
        (b"\x00\xff\xfe", "not a plan"),
        (b"[1, 2]\n", "not a plan"),
        (b'{"type": "plan"}\n', "format unknown"),
        (b"[" * 100_000, "not a plan"),
    ],
)
def test_what_is_not_a_plan_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "plan.jsonl"
    path.write_bytes(content)
    with pytest.raises(PlanFileError, match=words):
        PlanFile(path)
    broken = tmp_path / "plan.jsonl.gz"
    broken.write_bytes(b"\x1f\x8b" + content)
    with pytest.raises(PlanFileError):
        PlanFile(broken)


def test_a_plan_for_another_profile_or_past_its_time_is_refused(school: World) -> None:
    planned = school.plan(district())
    path = school.folder / "profile.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text("# a comment changes nothing\n" + text, encoding="utf-8")
    school.apply(planned)
    path.write_text(text.replace('properties = ["grade"]', "properties = []"), encoding="utf-8")
    with pytest.raises(StalePlan, match="another profile"):
        school.apply(planned)
    path.write_text(text + '[plan]\nexpires = "1h"\n', encoding="utf-8")
    planned = school.plan(district().enroll("C1", "S5"))
    writes = len(school.writes())
    school.clock = lambda: utc_now() + timedelta(minutes=61)
    with pytest.raises(StalePlan, match="expired"):
        school.apply(planned)
    assert len(school.writes()) == writes


def test_no_secret_is_in_a_plan(school: World) -> None:
    path = school.profile(students='password = "roster"')
    assert "password" in path.read_text(encoding="utf-8")
    roster = district()
    for row in roster.users:
        row["password"] = "Tr0ub4dor-" + row["sourcedId"]
    planned = school.plan(roster)
    assert b"Tr0ub4dor" not in planned.file.path.read_bytes()
    school.apply(planned)
    for state in school.state.iterdir():
        if not state.name.endswith(".passwords.jsonl") and state.suffix != ".duckdb":
            assert b"Tr0ub4dor" not in state.read_bytes()


def test_a_plan_that_is_sorted_in_pieces_has_the_same_bytes(school: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lines(school.plan(district()).file.path)[1:]
    for most in (1, 3, 7):
        monkeypatch.setattr(planfile, "SORTED", most)
        assert lines(school.plan(district()).file.path)[1:] == whole
