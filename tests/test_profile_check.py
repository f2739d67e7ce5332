"""`provision profile check`: what a profile will do in plain words, what may surprise, and what is refused."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from pathlib import Path

import pytest

from provision.cli import main
from provision.cli.reading import roster_options
from provision.cli.templates import templates
from provision.errors import ProfileError
from provision.plan.guards import GUARDS
from provision.policy.surprises import guard_limits, surprises
from provision.profile import Profile, load_profile
from provision.reports.profile_words import explain, settings

Capture = pytest.CaptureFixture[str]
DOCS = Path(__file__).resolve().parents[1] / "docs"
NOW = datetime(2026, 8, 24, 12, tzinfo=timezone.utc)
SMALL = 'name = "small"\n{}\n[tenant]\nid = "contoso.edu"\n{}\n'
CREATES = '[students]\nmode = "create"\ndomain = "s.contoso.edu"\n'
GOOD = f'usage_location = "US"\n{CREATES}licenses = ["A"]\nmatch = {{ append_domain = "s.contoso.edu" }}\n'
NEEDS_NO_WORDS: frozenset[str] = frozenset()
"""Names of the profile that nobody needs to have explained."""


def load(text: str) -> Profile:
    path = Path("profile.toml")
    path.write_text(text, encoding="utf-8")
    return load_profile(path)


def small(tables: str = "") -> Profile:
    return load(SMALL.format("", tables))


def complete() -> Profile:
    """The profile of docs/profile.md, which has every name."""
    (example,) = re.findall(r"^```toml\n(.*?)^```$", (DOCS / "profile.md").read_text(encoding="utf-8"), re.M | re.S)
    return load(example)


def told(profile: Profile) -> dict[str, list[str]]:
    """The sentences for each name of the profile."""
    sentences = [sentence for part in explain(profile) for sentence in part.sentences]
    return {key: [each.says for each in sentences if key in each.keys] for key, _ in settings(profile)}


def text(profile: Profile) -> str:
    return " ".join(sentence.says for part in explain(profile) for sentence in part.sentences)


# -- explained


@pytest.mark.parametrize("profile", [small, complete])
def test_every_name_is_explained_or_needs_no_words(profile: object) -> None:
    checked = profile() if callable(profile) else small()
    parts = [part for part in explain(checked) if part.title != "Also set"]
    explained = {key for part in parts for sentence in part.sentences for key in sentence.keys}
    assert {key for key, _ in settings(checked)} - explained == NEEDS_NO_WORDS
    assert explained <= {key for key, _ in settings(checked)}


def test_what_a_name_says_changes_with_its_value() -> None:
    one, other = small(), complete()
    values = dict(settings(one)), dict(settings(other))
    words = told(one), told(other)
    different = [key for key in values[0] if values[0][key] != values[1][key]]
    assert len(different) > 30
    assert [key for key in different if words[0][key] == words[1][key]] == []


def test_a_name_without_a_sentence_is_shown_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.reports.profile_words.PARTS", ())
    (part,) = explain(small('[plan]\nexpires = "5h"'))
    assert part.title == "Also set"
    assert [sentence.says for sentence in part.sentences if sentence.keys == ("plan.expires",)] == ["plan.expires: 5h"]


def test_every_guard_with_a_limit_is_explained_in_its_own_words() -> None:
    limited = dict(guard_limits(small().guards))
    assert set(limited) == {guard.name for guard in GUARDS} - {"freeze"}
    said = text(small('[guards]\ncreates = ["7", "3.5%"]'))
    assert "more than 7 or 3.5%: new objects of a kind, against those we know (creates)" in said


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ('{ source = "username", append_domain = "a.example" }', "so 'aokafor' finds 'aokafor@a.example'"),
        ('{ source = "username" }', "so 'aokafor@school.example' finds 'aokafor@school.example'"),
        (
            '{ source = "secondary_email", target = "mail" }',
            "the secondary e-mail in the roster must be the mail address",
        ),
        ('{ source = "number", target = "employeeId" }', "so '13001' finds '13001'"),
        ('{ source = "source_id", target = "mailNickname" }', "the id in the roster must be the mail alias"),
    ],
)
def test_the_match_is_spelled_out_with_an_example(match: str, said: str) -> None:
    assert said in text(small(f"[staff]\nmatch = {match}"))


def test_sign_in_names_are_shown_as_they_would_be_made() -> None:
    profile = small(f'{CREATES}username = ["{{given:1}}{{family}}", "{{given}}.{{family}}{{counter:2}}@x.example"]')
    assert "{given:1}{family} ('aokafor@s.contoso.edu')" in text(profile)
    assert "('amara.okafor01@x.example')" in text(profile)


# -- surprising


@pytest.mark.parametrize(
    ("tables", "key", "says"),
    [
        (CREATES, "students.licenses", "no licence"),
        ('[staff]\nmatch = { source = "source_id" }', "staff.match", "whole address"),
        ('[staff]\nmatch = { source = "secondary_email", append_domain = "a.example" }', "staff.match.append_domain",
         "never appended"),
        ('[staff]\nusername = "{id}"', "staff.username", "makes none"),
        (GOOD.replace('append_domain = "s.', 'append_domain = "other.'), "students.domain", "and made under s."),
        (GOOD + 'display_name = "{given} {number}"', "students.display_name", "no number in the roster"),
        (GOOD + 'username = ["{username}", "{given}/{family}"]', "students.username", "'{given}/{family}'"),
        ('[sections]\nenabled = false\nrequire_teacher = true\ndomain = "a.example"', "sections.enabled",
         "domain, require_teacher"),
        ('[sections]\nstudent_start = "2026-08-23"', "sections.student_start", "2026-08-23 is over"),
        ('[sections]\ndisplay_name = "Class"', "sections.display_name", "the same name, 'Class'"),
        ("[sections]\nowner_roles = []", "sections.owner_roles", "no class gets an owner"),
        ('[schools]\nadministrative_units = false\nproperties = ["phone"]', "schools.properties", "nothing to write"),
        ('[schools]\nadministrative_units = false\nmoves = "move"', "schools.moves", "could leave"),
        ('[school_groups]\nname = "{school} {role}"', "school_groups.name", "nothing gets this name"),
        ('[roster]\ndate_formats = ["D/M/YYYY", "M/D/YYYY"]', "roster.date_formats", "read as D/M/YYYY"),
        ('[roster]\nformat = "sds-v1-uk"', "roster.grade_labels", "British"),
        ('[guards]\ncreates = "26%"', "guards.creates", "26% lets more pass than the default, 25%"),
        ('[guards]\nmember_removals = "5%"', "guards.member_removals", "5% lets more pass than the default, 200 or 5%"),
        ('[guards]\nmember_removals = ["201", "5%"]', "guards.member_removals", "201 or 5% lets more pass"),
        ('[guards]\nerrors = "0%"', "guards.errors", "stops every run"),
        ("[guards]\nminimum = 50", "guards.minimum", "fewer than 50"),
        ('[[guards.freeze]]\nfrom = "2026-01-01"\nto = "2026-08-23"\nreason = "x"', "guards.freeze", "is over"),
        ("[protect]\nroles = false", "protect.roles", "nobody is protected by name"),
        ('[guards]\nupdates = "51%"', "plan.approval", "looser than by default: updates"),
        ('[plan]\nexpires = "31d"', "plan.expires", "31d"),
        ('[plan]\napproval = "required"', "plan.approvers", "whoever makes a key"),
    ],
)  # fmt: skip
def test_what_is_allowed_and_surprising_is_a_warning(tables: str, key: str, says: str) -> None:
    warnings = {each.key: each.says for each in surprises(small(tables), NOW)}
    assert says in warnings[key]


@pytest.mark.parametrize(
    "tables",
    [
        GOOD,
        '[sections]\nstudent_start = "2026-08-24"',  # today
        "[sections]\nenabled = false",
        '[guards]\ncreates = ["5", "25%"]\nminimum = 1\nmember_removals = ["2", "1%"]',
        '[[guards.freeze]]\nfrom = "2026-01-01"\nto = "2026-08-24"\nreason = "x"',
        '[plan]\nexpires = "30d"',
        '[staff]\nmode = "create"\ndomain = "a.example"\nlicenses = ["A"]\nmatch = { target = "employeeId" }',
    ],
)
def test_what_is_usual_is_not_warned_of(tables: str) -> None:
    if "licenses" in tables and "usage_location" not in tables:
        tables = f'usage_location = "US"\n{tables}'
    unmatched = {"students.match", "staff.match"}  # the default asks for whole addresses, and says so
    assert [each for each in surprises(small(tables), NOW) if each.key not in unmatched] == []


def test_the_profile_to_start_from_surprises_nobody() -> None:
    assert main(["init", "mine"]) == 0
    assert surprises(load_profile(Path("mine/profile.toml")), NOW) == []


# -- refused


@pytest.mark.parametrize(
    ("top", "tables", "fault"),
    [
        ("", "[student]\nminors = true", "student: there is no such name; did you mean 'students'?"),
        ("", '[students]\nlicences = ["A"]', "students.licences: there is no such name; did you mean 'licenses'?"),
        ("", "[Staff]\n", "Staff: there is no such name; did you mean 'staff'?"),
        ('mode = "create"', "", "mode: there is no such name here; it stands in [students] and [staff]"),
        ("", "[plan]\nminors = true", "plan.minors: there is no such name here; it stands in [students]"),
        ("", "[contacts]\nzzz = 1", "contacts.zzz: there is no such name; the names here are guardians"),
        ("", '[staff]\nmatch = { sorce = "number" }', "match.sorce: there is no such name; did you mean 'source'?"),
        ("", '[[guards.freeze]]\nfrm = "2026-01-01"', "freeze.0.frm: there is no such name; did you mean 'from'?"),
        ("", "[guards]\nmember_removal = 1", "there is no such name; did you mean 'member_removals'?"),
        ("", '[staff]\nmode = "creat"', "staff.mode: 'creat' is none of create, existing; did you mean 'create'?"),
        ("", '[students]\nproperties = ["grades"]', "did you mean 'grade'?"),
        ("", '[staff]\nmode = 7', "staff.mode: '7' is none of create, existing"),
        ("", '[roster]\nformat = "sds-v21"', "is not supported by this version; did you mean 'sds-v2.1'?"),
        ("", '[licensing]\nmethod = "groups"', "'groups' is none of direct, group; did you mean 'group'?"),
        ("", '[sections]\nowner_roles = "teacher"', "sections.owner_roles: must be a list"),
        ("", '[sections]\nenabled = "maybe"', "sections.enabled: must be true or false"),
        ("", '[schools]\ntypes = []', "no organisation would be a school"),
        ("", '[schools]\ntypes = ["schol"]', "schools.types: there is no 'schol'; did you mean 'school'?"),
        ("", '[sections]\nowner_roles = ["techer"]', "owner_roles: there is no 'techer'; did you mean 'teacher'?"),
        ("", '[sections]\nowner_roles = ["Student"]', "owner_roles names Student, who cannot own a class"),
        ("", "[sections]\nowner_roles = []\nrequire_teacher = true", "require_teacher holds every class"),
        ("", '[sections]\nowner_roles = []\n[school_groups]\nall = ["teachers"]', "says that there are none"),
        ("", '[staff]\nmatch = { source = "number" }', "staff.match: a number is no address"),
        ("", '[staff]\nmatch = { target = "employeeId", append_domain = "a.example" }', "nothing fits it"),
        ("", '[staff]\nmatch = { source = "secondary_email", target = "mailNickname" }', "holds none"),
        ("", '[staff]\npassword = "roster"', 'password = "roster" is for new accounts'),
        ("", f'{CREATES}username = "pupil"', "username 'pupil' is the same for everybody"),
        ("", '[staff]\nlicenses = ["SKU_A"]\ndisabled_plans = { SKU_B = ["X"] }',
         "disabled_plans names SKU_B, which is not among licenses; did you mean 'SKU_A'?"),
        ("", '[staff]\nlicenses = ["A"]\ndisabled_plans = { A = ["X", "X"] }', "a plan of A twice"),
        ("", '[staff]\nlicenses = ["A"]', "licenses need tenant.usage_location"),
        ("", '[school_groups]\nper_school = ["students", "students"]', "per_school names something twice"),
        ("", '[school_groups]\nper_school = ["students"]\nname = "{role}"', "school_groups.name needs {school}"),
        ("", '[school_groups]\nper_school = ["students", "teachers"]\nname = "{school}"', "name needs {role}"),
        ("", '[protect]\nusers = ["breakglass"]', "would protect nobody"),
        ("", '[plan]\nexpires = "0h"', "lets no plan be applied"),
    ],
)  # fmt: skip
def test_what_is_wrong_or_contradicts_itself_is_refused(capsys: Capture, top: str, tables: str, fault: str) -> None:
    Path("profile.toml").write_text(SMALL.format(top, tables), encoding="utf-8")
    assert main(["profile", "check", "profile.toml"]) == ProfileError.exit_code == 1
    shown = capsys.readouterr()
    assert fault in shown.err
    assert shown.out == ""


def test_every_table_tells_its_own_faults_at_once(capsys: Capture) -> None:
    Path("profile.toml").write_text(
        SMALL.format("", '[staff]\nmode = "creat"\n[plan]\nexpire = "1h"\n[protect]\nusers = ["x"]'), encoding="utf-8"
    )
    assert main(["profile", "check", "profile.toml"]) == 1
    assert [line.split(":")[0].strip() for line in capsys.readouterr().err.splitlines()[1:]] == [
        "staff.mode", "protect.users.0", "plan.expire",
    ]  # fmt: skip


def test_one_school_needs_no_name_in_its_groups() -> None:
    groups = '[school_groups]\nper_school = ["students"]\nname = "{role}"'
    assert small(f'[roster]\nschools = ["10"]\n{groups}').school_groups.name == "{role}"


def test_the_profile_of_the_docs_may_be_read_as_it_is() -> None:
    assert roster_options(complete()).school_types == ("school", "college")


# -- the command


def test_the_command_reads_the_file_and_nothing_else(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_GRAPH_URL", "not an address")
    small("[protect]\nroles = false")
    assert main(["profile", "check", "profile.toml"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(
        "The profile 'small' is in order. This is what it will do.\n\nWhose tenant\n  - It works on"
    )
    assert "\nLook at these again (3)\n" in shown
    assert "  - protect.roles: it is false" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert [path.name for path in Path().iterdir()] == ["profile.toml"]


def test_json(capsys: Capture) -> None:
    profile = small("[protect]\nroles = false")
    assert main(["profile", "check", "profile.toml", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["profile"] == "small"
    assert document["digest"] == profile.digest
    assert [part["title"] for part in document["parts"]][:2] == ["Whose tenant", "Which roster"]
    assert document["parts"][0]["sentences"][0] == {
        "keys": ["tenant.id"],
        "says": "It works on the tenant contoso.edu.",
    }
    assert [each["key"] for each in document["warnings"]] == ["students.match", "staff.match", "protect.roles"]


@pytest.mark.parametrize("name", ["demo.toml", "profile.toml"])
def test_our_own_profiles_pass(name: str) -> None:
    source = (templates() / "profiles" / name).read_text(encoding="utf-8")
    for key, value in {"name": "x", "tenant": "sandbox", "domain": "contoso.edu", "roster": "roster"}.items():
        source = source.replace(f"{{{key}}}", value)
    Path("own.toml").write_text(source, encoding="utf-8")
    assert main(["profile", "check", "own.toml"]) == 0
