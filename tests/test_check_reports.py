"""What `provision check` says: every renderer tells every finding, and no value of a roster gets out of its place."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.cli import main
from provision.cli.check import ProductName, ReportName
from provision.formats import load_roster
from provision.reports.page import Page
from provision.reports.roster import RENDERERS, Checked
from provision.reports.wording import printable
from provision.roster.checks import CHECKS
from provision.roster.options import RosterOptions
from provision.roster.readiness import PRODUCTS, judge
from provision.roster.summary import findings, summary
from provision.store import Store, in_memory, open_store
from provision.store.cells import FORMULA_SIGNS, harmless

Capture = pytest.CaptureFixture[str]
OPTIONS = RosterOptions(today=date(2026, 9, 1))
EVERYTHING = list(PRODUCTS)
NAUGHTY = (
    '=HYPERLINK("http://x.test","a")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "<script>alert(1)</script>",
    "\"><img src=x onerror='y'>",
    "[bold]rich[/bold]",
    "\x1b[2Jgone",
    "bell\x07\x9b31m",
    "abc\u202edef",
    "https://x.test/[a](b)",
    "</style></td></table>",
)
ROSTER = {
    "orgs.csv": "sourcedId,name,type,parentSourcedId\nD,District,district,\nA,Ash School,school,D\n",
    "users.csv": "sourcedId,username,givenName,familyName,email\n"
    "s1,ada,Ada,Berg,\ns2,bo,Bo,Cole,\ns3,di,Di,Ek,bad\n"
    "t1,cy,Cy,Dahl,\n",
    "roles.csv": "userSourcedId,orgSourcedId,role,grade\ns1,A,pupil,04\ns2,A,student,5\ns3,A,student,\nt1,A,teacher,\n",
    "classes.csv": "sourcedId,orgSourcedId,title\nc1,A,Art\nc2,A,Music\n",
    "enrollments.csv": "classSourcedId,userSourcedId,role\n"
    "c1,s1,student\nc1,s2,student\nc2,s9,student\nc2,t1,teacher\n",
}


@pytest.fixture
def store() -> Iterator[Store]:
    store = in_memory()
    yield store
    store.close()


def written(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder


def read(store: Store, folder: Path, products: list[str]) -> Checked:
    loaded = load_roster(store, folder, OPTIONS)
    return Checked(store, folder.name, loaded.format, summary(store), judge(store, products, OPTIONS))


def rendered(checked: Checked, name: str, page: Page | None = None) -> str:
    return "".join(RENDERERS[name](checked, page or Page()))


def quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def naughty(folder: Path) -> Path:
    """A roster in which every value that may be wrong is wrong and wicked, and so are names, titles and ids."""
    users = "".join(f"{quoted('i' + value)},{quoted(value)},Ada,Berg,{quoted(value)}\n" for value in NAUGHTY)
    roles = "".join(f"{quoted('i' + value)},A,student,{quoted(value)}\n" for value in NAUGHTY)
    classes = "".join(f"{quoted('c' + value)},A,{quoted(value)}\n" for value in NAUGHTY)
    return written(folder, {
        "orgs.csv": ROSTER["orgs.csv"],
        "users.csv": "sourcedId,username,givenName,familyName,email\n" + users,
        "roles.csv": "userSourcedId,orgSourcedId,role,grade\n" + roles,
        "classes.csv": "sourcedId,orgSourcedId,title\n" + classes,
        "enrollments.csv": "classSourcedId,userSourcedId,role\n",
    })  # fmt: skip


# -- the registries


def test_names_on_the_command_line_are_those_of_the_registries() -> None:
    assert [name.value for name in ReportName] == list(RENDERERS)
    assert [name.value for name in ProductName] == list(PRODUCTS)


# -- what is said


def test_the_console_says_it_in_words_a_school_office_uses(store: Store, tmp_path: Path) -> None:
    text = rendered(read(store, written(tmp_path / "ash", ROSTER), []), "console", Page(width=200))
    first, second, third, fourth = text.splitlines()[:4]
    assert first == (
        "ash (sds-v2.1) has 1 school, 1 other organisation, 2 students, 1 teacher, 2 classes, 2 enrollments."
    )
    assert re.fullmatch(r"2 errors, 1 warning, \d notes\.", second)
    assert third == "2 records cannot be used."
    assert fourth == "Nothing is done to these until their records are mended: 1 person, 2 enrollments."
    assert "can be planned with" not in text


def test_every_kind_of_hold_is_told(store: Store, tmp_path: Path) -> None:
    """Also that of a record that could speak of anybody, and of a relation: neither holds a person by itself."""
    enrollments = ROSTER["enrollments.csv"] + ",,student\n"
    relations = "userSourcedId,relationshipUserSourcedId,relationshipRole\ns1,t1,nemesis\n"
    files = {**ROSTER, "enrollments.csv": enrollments, "relationships.csv": relations}
    (line,) = [
        line
        for line in rendered(read(store, written(tmp_path / "ash", files), []), "console", Page(width=200)).splitlines()
        if line.startswith("Nothing is done")
    ]
    assert line.endswith(": 1 person, 2 enrollments, 1 relation to a contact, 1 record that may speak of anybody.")


def test_the_console_says_when_all_is_well(store: Store, tmp_path: Path) -> None:
    sound = {**ROSTER, "roles.csv": ROSTER["roles.csv"].replace("pupil", "student"),
             "enrollments.csv": ROSTER["enrollments.csv"].replace("s9", "s2")}  # fmt: skip
    text = rendered(read(store, written(tmp_path / "ash", sound), []), "console", Page(width=200))
    assert "The roster can be planned with." in text
    assert "cannot be used" not in text


def test_every_rule_that_spoke_is_explained_with_its_mend(store: Store, tmp_path: Path) -> None:
    checked = read(store, written(tmp_path / "ash", ROSTER), [])
    console, html = rendered(checked, "console", Page(width=500)), Text.of(rendered(checked, "html"))
    explained = {check.id: check for check in CHECKS}
    for rule in checked.told.rules:
        for text in (console, html):
            assert rule.rule in text
            assert explained[rule.rule].description in text
            assert explained[rule.rule].mend in text


def test_the_console_shows_a_few_of_each_rule_and_counts_the_rest(store: Store, tmp_path: Path) -> None:
    roles = "".join(f"x{number},A,wizard,\n" for number in range(12))
    files = {**ROSTER, "roles.csv": ROSTER["roles.csv"] + roles}
    checked = read(store, written(tmp_path / "ash", files), [])
    text = rendered(checked, "console", Page(width=160, most=3))
    assert "error unknown-code: 13" in text
    assert "… and 10 more; --report csv or html lists them all" in text
    assert text.count("wizard") == 2  # the first is 'pupil'
    assert rendered(checked, "console", Page(width=160)).count("wizard") == 12


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_console_keeps_to_its_width_and_its_colour(store: Store, tmp_path: Path, width: int) -> None:
    checked = read(store, written(tmp_path / "ash", ROSTER), EVERYTHING)
    plain = rendered(checked, "console", Page(width=width, most=5))
    assert "\x1b" not in plain
    assert max(len(line) for line in plain.splitlines() if not line.startswith("…")) <= width
    colored = rendered(checked, "console", Page(width=width, most=5, color=True))
    assert "\x1b[1;31m" in colored
    assert re.sub("\x1b\\[[0-9;]*m", "", colored) == plain


def test_the_files_list_what_the_store_holds(store: Store, tmp_path: Path) -> None:
    checked = read(store, written(tmp_path / "ash", ROSTER), [])
    found = [(each.rule, each.severity, each.file, each.record, each.field, each.value) for each in findings(store)]
    assert len(found) >= 4
    rows = list(csv.DictReader(io.StringIO(rendered(checked, "csv").removeprefix("\ufeff"))))
    told = ("rule", "severity", "file", "record", "column", "value")
    assert [tuple(row[name] for name in told) for row in rows] == [
        tuple("" if value is None else str(value) for value in each) for each in found
    ]
    document = json.loads(rendered(checked, "json"))
    assert [tuple(each[name] for name in ("rule", "severity", "file", "record", "field", "value"))
            for each in document["findings"]] == found  # fmt: skip
    assert document["summary"]["students"] == 2
    assert document["unusable"] == 2
    assert document["readiness"] == []
    page = Text.of(rendered(checked, "html"))
    for rule, _, file, record, _, value in found:
        assert f"{file}|{record}|" in page
        assert rule in page
        assert value is None or value in page


def test_every_renderer_tells_who_is_not_ready_and_why(store: Store, tmp_path: Path) -> None:
    checked = read(store, written(tmp_path / "ash", ROSTER), ["insights", "teams"])
    insights, teams = checked.readiness
    assert (insights.ready, teams.ready) == (False, False)
    document = json.loads(rendered(checked, "json"))
    told = {need["need"]: need for product in document["readiness"] for need in product["needs"]}
    assert list(told) == [each.need.id for answer in checked.readiness for each in answer.verdicts]
    grade = told["insights-grade"]
    assert (grade["passed"], grade["failed"]) == (1, 1)
    assert grade["failures"] == [
        {"file": "roles.csv", "record": 4, "id": "s3", "message": "This student has no grade."}
    ]
    assert told["insights-listed"]["failures"] == []
    assert document["held"] == {"enrollment": 2, "person": 1}
    rows = list(csv.DictReader(io.StringIO(rendered(checked, "csv").removeprefix("\ufeff"))))
    about = [row for row in rows if row["rule"] == "insights-grade"]
    assert [(row["severity"], row["file"], row["record"], row["value"]) for row in about] == [
        ("must", "", "", ""), ("must", "roles.csv", "4", "s3"),
    ]  # fmt: skip
    assert about[0]["message"].endswith("1 of 2 students.")
    console, html = rendered(checked, "console", Page(width=200)), Text.of(rendered(checked, "html"))
    for text in (console, html, next(row["message"] for row in rows if row["rule"] == "insights")):
        assert "Not ready for Education Insights; 2 needs that must be met are not" in text
        assert "Left out because of errors: 1 person, 2 enrollments. Mend these first." in text
    for text in (console, html):
        for answer in checked.readiness:
            for verdict in answer.verdicts:
                assert verdict.need.asks in text
                assert (verdict.need.mend in text) == bool(verdict.failed)


# -- what a roster cannot do


@given(st.text())
def test_no_cell_is_a_formula_and_no_other_is_touched(text: str) -> None:
    cell = harmless(text)
    assert cell in (text, f"'{text}")
    assert not cell.startswith(tuple(FORMULA_SIGNS))
    assert harmless(f"a{text}") == f"a{text}"


def test_what_cannot_be_seen_is_shown_by_its_number() -> None:
    assert printable("Ada\x07 \u200bÉlodie\u202e") == "Ada[U+0007] [U+200B]Élodie[U+202E]"
    assert printable("Élodie Müller, 山田") == "Élodie Müller, 山田"


def test_the_signs_that_begin_a_formula_are_known() -> None:
    assert set("=+-@\t\r") <= set(FORMULA_SIGNS)


def test_a_wicked_roster_stays_in_its_cells(store: Store, tmp_path: Path) -> None:
    checked = read(store, naughty(tmp_path / "=cmd <b>"), EVERYTHING)
    spoken = {each.value for each in findings(store)} | {value for (value,) in store.rows("SELECT id FROM run.unready")}
    assert len(spoken & {*NAUGHTY, *(f"i{value}" for value in NAUGHTY)}) > len(NAUGHTY)
    for name in RENDERERS:
        text = rendered(checked, name)
        assert [sign for sign in text.removeprefix("\ufeff") if not sign.isprintable() and sign != "\n"] == [], name
    rows = list(csv.reader(io.StringIO(rendered(checked, "csv").removeprefix("\ufeff"))))
    assert {len(row) for row in rows} == {8}
    assert [cell for row in rows for cell in row if cell.startswith(tuple(FORMULA_SIGNS))] == []
    assert any(cell == "'+1+1" for row in rows for cell in row)
    json.loads(rendered(checked, "json"))


TAGS = {"html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "h3", "p", "a", "strong",
        "table", "caption", "thead", "tbody", "tr", "th", "td", "bdi"}  # fmt: skip


class Text(HTMLParser):
    """The text of a page with a bar between cells; notes its tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        known = dict(attrs)
        self.ids += [known["id"] or ""] if "id" in known else []
        self.links += [known["href"] or ""] if "href" in known else []
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.parts.append("|" if tag in ("td", "th", "p", "h1", "h2", "h3") else "")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @classmethod
    def page(cls, html: str) -> Text:
        parser = cls()
        parser.feed(html)
        parser.close()
        assert parser.open == []
        return parser

    @classmethod
    def of(cls, html: str) -> str:
        return "".join(cls.page(html).parts)


def test_the_page_is_sound_needs_nothing_and_can_be_found_through(store: Store, tmp_path: Path) -> None:
    html = rendered(read(store, naughty(tmp_path / "=cmd <b>"), EVERYTHING), "html")
    page = Text.page(html)
    assert page.tags <= TAGS
    assert not {"src", "onerror", "style"} & page.attributes
    assert html.startswith("<!DOCTYPE html>")
    assert '<html lang="en">' in html
    assert "default-src 'none'" in html
    assert "url(" not in html
    assert "@import" not in html
    assert len(page.ids) == len(set(page.ids))
    assert page.links
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert html.count("<caption>") == html.count("<table>")
    assert html.count('<th scope="col">') == len(re.findall("<th[ >]", html))


def test_many_findings_are_streamed(tmp_path: Path) -> None:
    number = 20_000
    store = open_store(tmp_path / "state", "many")
    store.run(f"""
        INSERT INTO roster.findings
        SELECT 'unknown-code', 'error', 'roles.csv', n + 2, 'role', 'wizard' || n, 'This is no role.', 'Mend it.'
        FROM range({number}) r(n)""")
    checked = Checked(store, "big", "sds-v2.1", summary(store))
    for name in ("html", "csv", "json"):
        tracemalloc.start()
        pieces = sum(1 for part in RENDERERS[name](checked, Page()) if "wizard" in part)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert pieces == number
        assert peak < 4_000_000, (name, peak)
    store.close()


# -- the command


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    return written(tmp_path / "roster", ROSTER)


@pytest.mark.parametrize("report", ["csv", "json", "html", "console"])
def test_a_report_goes_into_a_private_file_that_is_whole(
    roster: Path, report: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")  # a file is as wide
    assert main(["check", str(roster), "--report", report]) == 1
    shown = capsys.readouterr().out
    out = roster.parent / f"report.{report}"
    assert main(["check", str(roster), "--report", report, "--out", str(out)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert out.read_text(encoding="utf-8") == shown
    assert out.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in roster.parent.iterdir()} == {"roster", out.name}


def test_a_spreadsheet_reads_the_letters_right(roster: Path) -> None:
    main(["check", str(roster), "--report", "csv", "--out", "report.csv"])
    first = Path("report.csv").read_bytes().splitlines()[0]
    assert first == b"\xef\xbb\xbfrule,severity,file,record,column,value,message,mend"


def test_a_run_that_stops_leaves_the_last_report_alone(roster: Path, capsys: Capture) -> None:
    Path("report.html").write_text("last", encoding="utf-8")
    (roster / "users.csv").write_bytes(b"\xff\xfe\x00")
    assert main(["check", str(roster), "--report", "html", "--out", "report.html"]) == 1
    assert "users.csv" in capsys.readouterr().err
    assert Path("report.html").read_text(encoding="utf-8") == "last"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ([], 1, ""),
        (["--max-errors", "0"], 1, ""),
        (["--max-errors", "1"], 1, "2 errors are more than --max-errors allows (1)."),
        (["--max-errors", "2"], 0, ""),
        (["--max-errors", "3"], 0, ""),
        (["--max-errors", "-1"], 2, "--max-errors"),
        (["--max-errors", "2", "--for", "teams"], 1, ""),
        (["--for", "nothing"], 2, "nothing"),
        (["--json", "--report", "csv"], 2, "Leave one out"),
        (["--report", "csv", "--out", "no/such/report.csv"], 1, "cannot be written"),
    ],
)
def test_exit_codes(roster: Path, capsys: Capture, options: list[str], code: int, words: str) -> None:
    assert main(["check", str(roster), *options]) == code
    told = capsys.readouterr()
    assert words in told.err
    assert "Traceback" not in told.err
    if code != 2 and "--out" not in options:
        assert "2 errors, 1 warning, " in told.out


def test_a_must_that_fails_leaves_with_1_and_a_should_with_0(tmp_path: Path, capsys: Capture) -> None:
    sound = {**ROSTER, "roles.csv": ROSTER["roles.csv"].replace("pupil", "student"),
             "enrollments.csv": ROSTER["enrollments.csv"].replace("s9", "s2")}  # fmt: skip
    written(tmp_path / "roster", sound)
    assert main(["check", "roster"]) == 0
    assert main(["check", "roster", "--for", "teams"]) == 1
    assert "must teams-owner: 1" in capsys.readouterr().out
    with (tmp_path / "roster" / "enrollments.csv").open("a", encoding="utf-8") as file:
        file.write("c1,t1,teacher\n")
    assert main(["check", "roster", "--for", "teams", "--for", "intune"]) == 0
    told = capsys.readouterr().out
    assert "Ready for class teams in Microsoft Teams." in told
    assert "Ready for Intune for Education; 1 need that should be met is not." in told
    assert main(["check", "roster", "--for", "intune", "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["readiness"]
    assert (answer["product"], answer["ready"]) == ("intune", True)
