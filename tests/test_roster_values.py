"""How the values of a roster are read: codes in any case, labels of grades, dates in their forms."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from test_roster_checks import MATCH, V2_1, V2_1_WHOLE, load

from provision.roster import codes
from provision.roster.kinds import KINDS
from provision.roster.options import RosterOptions
from provision.store import in_memory

_STORE = in_memory()

LISTS = {
    "org type": codes.ORG_TYPES, "role": codes.ROLES, "session type": codes.SESSION_TYPES, "sex": codes.SEXES,
    "flag": codes.FLAGS, "relationship": codes.RELATIONSHIPS, "us state": codes.US_STATES, "subject": codes.SUBJECTS,
    "ethnicities": codes.ETHNICITIES, "races": codes.RACES, "grade": codes.GRADES["us"],
}  # fmt: skip


@pytest.mark.parametrize("kind", LISTS)
def test_every_code_is_read_in_any_case_and_kept_in_its_own(kind: str) -> None:
    canonical = KINDS[kind].canonical("written", MATCH)
    for written in (str.lower, str.upper, lambda code: str.lstrip(code, "0")):
        forms = [written(code) for code in LISTS[kind]]
        rows = _STORE.rows(f"SELECT {canonical} FROM (SELECT unnest(?) AS written)", [forms])
        assert [value for (value,) in rows] == list(LISTS[kind])


@pytest.mark.parametrize("labels", codes.GRADE_LABELS)
def test_every_label_of_a_grade_is_one_code_of_its_country(labels: Literal["us", "uk"]) -> None:
    assert set(codes.GRADE_LABELS[labels].values()) <= set(codes.GRADES[labels])
    canonical = KINDS["grade"].canonical("written", RosterOptions(grade_labels=labels))
    said = [label.title() for label in codes.GRADE_LABELS[labels]]
    rows = _STORE.rows(f"SELECT {canonical} FROM (SELECT unnest(?) AS written)", [said])
    assert [value for (value,) in rows] == list(codes.GRADE_LABELS[labels].values())


@pytest.mark.parametrize(
    ("labels", "written", "kept"),
    [
        ("us", "ninth grade", "09"),
        ("us", "kg", "KG"),
        ("us", "Year 9", None),
        ("uk", "Year 9", "09"),
        ("uk", "Reception", "PK"),
        ("uk", "KG", None),
        ("us", "ps1", "PS1"),
        ("uk", "13", "13"),
    ],
)
def test_grade_labels(tmp_path: Path, labels: str, written: str, kept: str | None) -> None:
    roles = V2_1["roles.csv"].replace("04,true,2", f"{written},true,2")
    options = RosterOptions(grade_labels="uk" if labels == "uk" else "us")
    store = load(tmp_path, {**V2_1, "roles.csv": roles}, options)
    assert store.value("SELECT grade FROM roster.roles WHERE person_id = 's1'") == kept


@pytest.mark.parametrize(
    ("form", "written", "kept"),
    [
        ("M/D/YYYY", "4/2/2010", "2010-04-02"),
        ("M/D/YYYY", "13/2/2010", None),
        ("M/D/YYYY", "4/2/10", None),
        ("DD.MM.YYYY", "02.04.2010", "2010-04-02"),
        ("YYYYMMDD", "20100402", "2010-04-02"),
    ],
)
def test_date_formats(tmp_path: Path, form: str, written: str, kept: str | None) -> None:
    text = V2_1_WHOLE["demographics.csv"].replace("2016-02-03", written)
    store = load(tmp_path, {**V2_1_WHOLE, "demographics.csv": text}, RosterOptions(date_formats=("YYYY-MM-DD", form)))
    assert store.value("SELECT birth_date::TEXT FROM roster.demographics") == kept


@pytest.mark.parametrize("forms", [("YYYYMMDD", "M/D/YYYY"), ("M/D/YYYY", "YYYYMMDD")])
@pytest.mark.parametrize(("written", "kept"), [("1/2/2010", "2010-01-02"), ("20100102", "2010-01-02")])
def test_forms_of_dates_are_told_apart_in_any_order(
    tmp_path: Path, forms: tuple[str, str], written: str, kept: str
) -> None:
    text = V2_1_WHOLE["demographics.csv"].replace("2016-02-03", written)
    store = load(tmp_path, {**V2_1_WHOLE, "demographics.csv": text}, RosterOptions(date_formats=forms))
    assert store.value("SELECT birth_date::TEXT FROM roster.demographics") == kept


def test_codes_are_kept_in_their_own_spelling(tmp_path: Path) -> None:
    orgs = V2_1["orgs.csv"].replace(",district,", ",MINISTRYofeducation,")
    flags = "userSourcedId,flag\ns1,FREELUNCH\ns2,iep\n"
    store = load(tmp_path, {**V2_1_WHOLE, "orgs.csv": orgs, "userFlags.csv": flags})
    assert store.value("SELECT type FROM roster.orgs WHERE id = 'D'") == "ministryOfEducation"
    assert store.rows("SELECT flag FROM roster.flags ORDER BY record") == [("freeLunch",), ("IEP",)]
