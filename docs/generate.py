"""Fill the parts of the docs that the code knows better.

A block stands between `<!-- generated: NAME -->` and `<!-- end -->`; `BLOCKS` says who writes it.
`python docs/generate.py` fills them all; with `--check` it writes nothing and leaves with 1 where one differs.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from provision import cli, formats
from provision.convert import TARGETS
from provision.errors import EXIT_CODES
from provision.formats.format import File, Format
from provision.graph.permissions import CALLS, PERMISSIONS
from provision.plan.guards import GUARDS
from provision.plan.lifecycle import RULES
from provision.policy.kinds import LINKS, OBJECTS
from provision.profile import Guards, Limit, Match, Profile
from provision.reports.explanation import FACTS
from provision.reports.wording import NOTE_MEANINGS, RULE_MEANINGS
from provision.roster import codes
from provision.roster.checks import CHECKS
from provision.roster.fill import ENTITIES
from provision.roster.kinds import COLUMN_KINDS
from provision.roster.readiness import PRODUCTS, Product
from provision.sandbox import Tenant
from provision.sandbox.routes import ROUTES
from provision.store import in_memory

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests"))  # for what the tests hold the formats to

from support.expected import BLANK, DIFFERENCES, LOST, NONE  # noqa: E402

IN_TENANTS = {"everywhere": "all", "education": "for education", "elsewhere": "others"}
BLOCK = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    names = list(heads)
    lines = [names, ["---"] * len(names), *([escaped(str(cell)) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def escaped(cell: str) -> str:
    """A cell whose bars and tags are shown as they are."""
    return cell.replace("|", "\\|").replace("<", "&lt;")


def code(*values: object) -> str:
    """Values as code, separated by commas."""
    return ", ".join(f"`{value}`" for value in values)


def exit_codes() -> str:
    """The exit codes."""
    return table(("exit code", "meaning"), EXIT_CODES.items())


def lifecycle() -> str:
    """The rules by number; what the profile selects comes last."""
    rows = sorted(RULES, key=lambda rule: int(rule.id[1:]) if rule.id[1:].isdigit() else len(RULES))
    return table(("rule", "the roster, or the directory, says", "what happens"),
                 ((rule.id, rule.says, rule.happens) for rule in rows))  # fmt: skip


def checks() -> str:
    """Every check of a roster."""
    rows = ((code(check.id), check.severity, check.description, check.mend) for check in CHECKS)
    return table(("check", "severity", "what it finds", "mend"), rows)


def needs(product: Product) -> str:
    """Everything that a product needs of a roster."""
    rows = ((code(need.id), need.severity, need.asks, need.mend, need.source) for need in product.needs)
    return table(("need", "severity", "what is needed", "mend", "source"), rows)


def guards() -> str:
    """Every guard with its default."""
    defaults = {name: field.default for name, field in Guards.model_fields.items()}
    rows = ((code(guard.name), guard.says, code(toml(defaults[guard.name])) if defaults[guard.name] else "no window")
            for guard in GUARDS)  # fmt: skip
    return table(("guard", "what it measures", "default limit"), rows)


def permissions() -> str:
    """The application permissions to grant."""
    rows = ((code(one.name), one.purpose, IN_TENANTS[one.where]) for one in PERMISSIONS)
    return table(("application permission", "what for", "in tenants"), rows)


def calls() -> str:
    """Every kind of request that is sent."""

    def readable(pattern: str) -> str:
        path = pattern.replace("[^/]+", "{id}").replace(r"\(.*\)", "(…)").replace(r"\$", "$").replace(".+", "…")
        return re.sub(r"\((/\{id\}|\(…\))\)\?", r"[\1]", path)

    rows = ((call.method, code(readable(call.path)), IN_TENANTS[call.where]) for call in CALLS)
    return table(("method", "path", "in tenants"), rows)


def command_help() -> str:
    """The help of every command, as a terminal of 80 columns shows it."""
    os.environ["COLUMNS"] = "80"
    parts = []
    for words in command_words(typer.main.get_command(cli.app)):
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            cli.main([*words, "--help"])
        parts.append(f"## {' '.join(('provision', *words))}\n\n```text\n{shown.getvalue().strip()}\n```\n")
    return "\n" + "\n".join(parts) + "\n"


def command_words(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: ANN401  # click's
    """The words of a command and of all commands below it."""
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from command_words(below, (*words, name))


def profile_table(name: str, model: type[BaseModel], *meanings: str) -> str:
    """The names of one table of the profile. What they mean stands in profile-keys.toml."""
    known = tomllib.loads((HERE / "profile-keys.toml").read_text(encoding="utf-8"))
    said = {key: text for part in (*meanings, name) for key, text in known.get(part, {}).items()}
    fields = {key: field for key, field in model.model_fields.items() if key in said or not holds_names(field)}
    rows = ((code(key), values(field.annotation, field.metadata), default(field), said[key])
            for key, field in fields.items() if not field.exclude)  # fmt: skip
    return table(("name", "values", "default", "meaning"), rows)


def holds_names(field: FieldInfo) -> bool:
    """Whether this is a table of its own."""
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def values(kind: Any, metadata: Iterable[object] = ()) -> str:  # noqa: ANN401  # any annotation
    """What a name of the profile may be, from its type and validators."""
    for validator in metadata:
        if isinstance(validator, AfterValidator):
            bound = inspect.getclosurevars(validator.func).nonlocals
            if "names" in bound:
                return "text with " + code(*(f"{{{name}}}" for name in bound["names"]))
            if "allowed" in bound or kind is bool:
                return code(*(toml(value) for value in bound.get("allowed", (False,))))
    inner = [each for each in get_args(kind) if each not in (type(None), Ellipsis)]
    if get_origin(kind) is Annotated:
        return values(inner[0], inner[1:])
    if get_origin(kind) is Literal:
        return code(*(toml(value) for value in inner))
    if get_origin(kind) is tuple:
        return values(inner[0]) + ", one or a list" if inner[0] is Limit else "list: " + values(inner[0])
    if get_origin(kind) is not dict and inner:
        return values(inner[0])  # the rest of a union is None
    return PLAIN.get(kind, "table")


PLAIN = {str: "text", bool: "`true`, `false`", int: "whole number", Limit: 'count (`200`) or share (`"5%"`)'}


def default(field: FieldInfo) -> str:
    """The default of a name, as the profile would write it."""
    if field.is_required():
        return "**required**"
    return "none" if field.default is None else code(toml(field.default))


def toml(value: object) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BaseModel) and not isinstance(value, Limit):
        given = {name: each for name, each in value if each is not None}
        return "{ " + ", ".join(f"{name} = {toml(each)}" for name, each in given.items()) + " }"
    if isinstance(value, tuple):
        items = [toml(each) for each in value]
        return items[0] if len(items) == 1 and isinstance(value[0], Limit) else f"[{', '.join(items)}]"
    return str(value) if isinstance(value, int) else "{}" if value == {} else f'"{value}"'


def format_columns(form: Format) -> str:
    """Every column that is read, and what it becomes."""
    rows = []
    for file in form.files:
        if file.refused:
            rows.append((code(file.name), "", "", f"refused: {file.refused}"))
        for header in file.headers():
            filled = places(file, header)
            kinds = ", ".join(sorted(set(filled.values())))
            becomes = f"{code(*('.'.join(place) for place in filled))}: {kinds}" if filled else unfilled(file, header)
            rows.append((code(file.name), code(header), "yes" if header in file.required else "", becomes))
    return table(("file", "column", "required", "becomes, and what kind of value it is"), rows)


def unfilled(file: File, header: str) -> str:
    """What a column says that fills nothing."""
    if file.gone and header in file.gone.headers():
        return "whether the record counts"
    return "by which changes find the record" if header == file.key else "nothing"


def places(file: File, header: str) -> dict[tuple[str, str], str]:
    """The roster columns that a column of a file fills, and the kind of value."""
    return {
        (into.table, column): into.kinds.get(column, COLUMN_KINDS.get((into.table, column), "text"))
        for into in file.into
        for column in into.columns
        if header in into.headers_of(column)
    }


def needed_files(form: Format) -> str:
    """Which files a format needs."""
    when = {"always": "yes", "classes": "as soon as one of the class files is there", "optional": "no"}
    return table(("file", "needed"), ((code(file.name), when[file.need]) for file in form.files))


def what_formats_say() -> str:
    """What not every format has of the roster; columns of which the same can be said share a row."""
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for place in roster_columns():
        cells = tuple(what_is_said(form.name, place) for form in WRITTEN_OUT)
        if place not in BLANK and set(cells) != {"yes"}:
            rows.setdefault((place.partition(".")[0], cells), []).append(place)
    heads = ("of the roster", *(form.title for form in WRITTEN_OUT))
    return table(heads, ((code(*places), *cells) for (_, cells), places in rows.items()))


def what_is_said(form: str, place: str) -> str:
    """Whether a format has a place for a table or column, or what it says instead."""
    known = DIFFERENCES[form]
    if known.get(place.partition(".")[0]) == NONE or known.get(place) == LOST:
        return ""
    return known[place].says if place in known else "yes"


def british_headers() -> str:
    """Where the British headers differ."""
    us, uk = (formats.sds_v1.FORMAT, formats.sds_v1_uk.FORMAT)
    rows = []
    for ours, theirs in zip(us.files, uk.files, strict=True):
        pairs = zip(ours.headers(), theirs.headers(), strict=True)
        rows += [(code(ours.name), code(one), code(other)) for one, other in pairs if one != other]
    return table(("file", "SDS V1", "with British headers"), rows)


def code_lists() -> str:
    """The lists of coded columns."""
    lists = {
        "organisation types": codes.ORG_TYPES, "roles": codes.ROLES, "session types": codes.SESSION_TYPES,
        "grades, `grade_labels = \"us\"`": codes.GRADES["us"], "grades, `grade_labels = \"uk\"`": codes.GRADES["uk"],
        "subjects": codes.SUBJECTS, "sexes": codes.SEXES, "user flags": codes.FLAGS,
        "relationships": codes.RELATIONSHIPS, "ethnicities": codes.ETHNICITIES, "races": codes.RACES,
        "birth states": codes.US_STATES, "class types": codes.CLASS_TYPES,
    }  # fmt: skip
    labels = {f"labels read as grades, `\"{where}\"`": [f"{label} = {grade}" for label, grade in known.items()]
              for where, known in codes.GRADE_LABELS.items()}  # fmt: skip
    read_as = {
        "read as grades in Clever CSV": codes.CLEVER_GRADES, "and besides": {"K": "KG", "PS": "PR"},
        "read as relationships in Clever CSV": codes.CLEVER_CONTACTS, "read as roles of staff": codes.CLEVER_STAFF,
        "read as races in Clever CSV": codes.CLEVER_RACES, "read as sexes in Clever CSV": codes.CLEVER_SEXES,
        "read as roles in OneRoster": codes.ONEROSTER_ROLES, "read as sexes in OneRoster": codes.ONEROSTER_SEXES,
    }  # fmt: skip
    labels |= {name: [f"{word} = {value}" for word, value in known.items() if word != value.lower()]
               for name, known in read_as.items()}  # fmt: skip
    return table(("list", "values"), ((name, code(*each)) for name, each in {**lists, **labels}.items()))


def objects() -> str:
    """The kinds of object and their values."""
    rows = ((code(kind.name), code(*kind.updated), code(*kind.at_creation)) for kind in OBJECTS)
    return table(("kind", "values that are compared", "written when it is made, and never again"), rows)


def links() -> str:
    """The kinds of link and their ends."""
    rows = (
        (code(kind.name), code(kind.left, f"{kind.left}_id"), code(kind.right, f"{kind.right}_id")) for kind in LINKS
    )
    return table(("kind", "the object that is written", "what is linked to it"), rows)


def notes() -> str:
    """The sorts of notes."""
    return table(("what", "means"), ((code(what), text) for what, text in NOTE_MEANINGS.items()))


def reasons() -> str:
    """The reasons of notes that are no rule of the lifecycle."""
    return table(("rule", "means"), ((code(rule), text) for rule, text in RULE_MEANINGS.items()))


def facts() -> str:
    """What an explanation of the live state may say."""
    return table(("fact", "says"), ((code(name), text) for name, text in FACTS.items()))


def folders() -> str:
    """The parts of the program, from the terminal down, and what each says of itself."""
    contract = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = [layer.split(" | ") for layer in contract["contracts"][0]["layers"]]
    rows = []
    for height, layer in enumerate(layers):
        below = [name.removeprefix("provision.") for lower in layers[height + 1 :] for name in lower]
        for name in layer:
            module = __import__(name, fromlist=["__doc__"])
            says = (module.__doc__ or "").strip().splitlines()[0]
            rows.append((code(name.replace(".", "/")), says, code(*below) if below else "nothing of ours"))
    return table(("part", "what it is", "may import"), rows)


def sandbox_routes() -> str:
    """What the sandbox answers."""
    methods: dict[str, list[str]] = {}
    for method, path, _ in ROUTES:
        methods.setdefault(re.sub(r":[^}]+", "", path), []).append(method)
    return table(("path", "methods"), ((code(path), ", ".join(known)) for path, known in methods.items()))


def sandbox_tenant() -> str:
    """What a fresh sandbox tenant holds."""
    fresh = Tenant.new().dump()
    seats = (f"{code(sku)} ({seat['enabled']} seats)" for sku, seat in fresh["licenses"].items())
    accounts = code(*(user["userPrincipalName"] for user in fresh["users"]))
    rows = (("domains, all verified", code(*fresh["tenant"]["domains"])), ("licences", ", ".join(seats)),
            ("accounts, both holders of a directory role", accounts))  # fmt: skip
    return table(("what", "a fresh tenant has"), rows)


def roster_columns() -> list[str]:
    """Every column of the roster, and before them the tables, as `table` and `table.column`."""
    store = in_memory()
    columns = {table: store.rows(f"SELECT column_name FROM (DESCRIBE roster.{table})") for table in ENTITIES}
    store.close()
    return [
        place
        for table, names in columns.items()
        for place in (table, *(f"{table}.{name}" for (name,) in names if name not in ("file", "record")))
    ]


def conversion_losses() -> str:
    """What each target of a conversion cannot hold; columns of which the same can be said share a row."""
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for place in roster_columns():
        cells = tuple(
            target.narrows.get(place, "" if place in target.holds() or "." not in place else "-") for target in TARGETS
        )
        if any(cells):
            rows.setdefault((place.partition(".")[0], cells), []).append(place)
    heads = ("of the roster", *(target.format.title for target in TARGETS))
    return table(heads, ((code(*places), *cells) for (_, cells), places in rows.items()))


def conversion_filled_in() -> str:
    """What stands there where the roster is silent and the target is not."""
    places = [place for place in roster_columns() if any(place in target.made for target in TARGETS)]
    heads = ("of the roster", *(target.format.title for target in TARGETS))
    return table(heads, ((code(place), *(target.made.get(place, "") for target in TARGETS)) for place in places))


WRITTEN_OUT = [form for form in formats.FORMATS if form is not formats.sds_v1_uk.FORMAT]
"""The British headers have a table of the differences."""
SIDES: dict[str, tuple[str, ...]] = {"students": ("people",), "staff": ("people",)}
BLOCKS: dict[str, Callable[[], str]] = {
    "exit codes": exit_codes,
    "lifecycle": lifecycle,
    "checks": checks,
    "guards": guards,
    "permissions": permissions,
    "calls": calls,
    "commands": command_help,
    "objects": objects,
    "links": links,
    "notes": notes,
    "reasons": reasons,
    "facts": facts,
    "folders": folders,
    "code lists": code_lists,
    "sandbox tenant": sandbox_tenant,
    "routes": sandbox_routes,
    "british headers": british_headers,
    "what formats say": what_formats_say,
    "conversion losses": conversion_losses,
    "conversion filled in": conversion_filled_in,
    "profile": partial(profile_table, "profile", Profile),
    "profile match": partial(profile_table, "match", Match),
    **{f"profile {name}": partial(profile_table, name, field.annotation, *SIDES.get(name, ()))
       for name, field in Profile.model_fields.items()
       if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)},
    **{f"needs {name}": partial(needs, product) for name, product in PRODUCTS.items()},
    **{f"files {form.name}": partial(needed_files, form) for form in WRITTEN_OUT},
    **{f"columns {form.name}": partial(format_columns, form) for form in WRITTEN_OUT},
}  # fmt: skip


def filled(text: str) -> str:
    """A page with its blocks written anew. Raises `KeyError` for a block that nobody writes."""
    return BLOCK.sub(lambda found: found[1] + BLOCKS[found[2]]() + found[3], text)


def main(arguments: list[str], folder: Path = HERE) -> int:
    """Fill the blocks of every page, or only check them."""
    pages = {page: page.read_text(encoding="utf-8") for page in sorted(folder.glob("*.md"))}
    stale = {page: new for page, old in pages.items() if (new := filled(old)) != old}
    for page, new in stale.items():
        if "--check" in arguments:
            sys.stderr.write(f"{page.name} is out of date: run python docs/generate.py\n")
        else:
            page.write_text(new, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
