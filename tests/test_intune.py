"""Intune for Education: everybody is licensed for Intune, and its default groups are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.world import Roster, World

from provision.errors import DirectoryError, ProfileError
from provision.profile import load_profile

pytestmark = pytest.mark.once

A1, A3, FACULTY = "STANDARDWOFFPACK_STUDENT", "M365EDU_A3_STUUSEBNFT", "M365EDU_A3_FACULTY"


def with_intune(school: World, pupils: str, staff: str, more: str = "", **tables: str) -> Path:
    """A profile for Intune for Education."""
    path = school.profile(licenses=f"[{pupils}]", **tables)
    text = path.read_text(encoding="utf-8")
    text = text.replace('properties = ["title"]', f'properties = ["title"]\nlicenses = [{staff}]')
    path.write_text(f"{text}[licensing]\nintune_for_education = true\n{more}", encoding="utf-8")
    return path


@pytest.mark.parametrize("method", ["direct", "group"])
def test_everybody_has_intune_and_both_groups_are_kept(school: World, method: str) -> None:
    with_intune(school, f'"{A1}", "{A3}"', f'"{FACULTY}"', f'method = "{method}"')
    planned = school.day(Roster().people("S1").person("T1", role="teacher"))
    assert {"create:school_group:students", "create:school_group:teachers"} <= set(planned.ids("school_group"))
    assert {"add:group_member:students/S1", "add:group_member:teachers/T1"} <= set(planned.ids("group_member"))
    assert school.user("s1@students.contoso.edu")["licenses"] == [A3, A1]
    assert school.user("t1@contoso.edu")["licenses"] == [FACULTY]
    assert school.plan(Roster().people("S1").person("T1", role="teacher")).ids() == []


@pytest.mark.parametrize(
    ("pupils", "disabled"), [(f'"{A1}"', ""), (f'"{A3}"', f'disabled_plans = {{ {A3} = ["INTUNE_EDU"] }}')]
)
def test_licences_without_intune_are_refused_with_those_that_have_it(school: World, pupils: str, disabled: str) -> None:
    with_intune(school, pupils, f'"{FACULTY}"', students=disabled)
    with pytest.raises(DirectoryError) as refused:
        school.plan(Roster().people("S1"))
    assert "no licence of students has it" in refused.value.message
    assert refused.value.details[0] == f"Licences of the tenant with Intune: {FACULTY}, {A3}."
    assert not school.writes()


def test_a_profile_that_contradicts_itself_is_refused(school: World) -> None:
    with pytest.raises(ProfileError) as refused:
        load_profile(with_intune(school, f'"{A3}"', ""))
    assert "staff.licenses names no licence" in refused.value.details[0]
    with pytest.raises(ProfileError) as refused:
        load_profile(with_intune(school, f'"{A3}"', f'"{FACULTY}"', sections="owner_roles = []"))
    assert "intune_for_education asks for groups of teachers" in refused.value.details[0]
