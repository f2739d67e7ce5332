"""`provision convert`: the same roster in another format."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import typer

from provision.cli.check import FormatName
from provision.cli.options import AcceptMissingOption, JsonOption

MEMORY = "1GB"
"""Two rosters at a time, compared row by row: for a million students three times what reading one takes (see the
bench)."""


class TargetName(str, Enum):
    """The targets of `provision.convert`, by name (a test holds the two lists together)."""

    sds_v2_1 = "sds-v2.1"
    sds_v1 = "sds-v1"
    oneroster_1_2 = "oneroster-1.2"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("convert")(convert)


def convert(
    roster: Annotated[Path, typer.Argument(help="Folder or ZIP.", metavar="ROSTER")],
    out: Annotated[Path, typer.Argument(help="A new folder, or a new .zip.", metavar="OUT")],
    to: Annotated[TargetName, typer.Option("--to", help="The format to write.")],
    format: Annotated[FormatName, typer.Option("--format", help="The roster's format.")] = FormatName.auto,  # noqa: A002
    profile: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--profile", help="Read dates and grades as this profile does.", metavar="FILE"),
    ] = None,
    school_year: Annotated[
        str,
        typer.Option("--school-year", help="First and last day, for sessions without dates.", metavar="DATE/DATE"),
    ] = "",
    with_passwords: Annotated[bool, typer.Option("--with-passwords", help="Write the passwords too.")] = False,
    leave_out_errors: Annotated[
        bool, typer.Option("--leave-out-errors", help="Convert the rest, without what an error speaks of.")
    ] = False,
    accept_missing: AcceptMissingOption = [],  # noqa: B006  # typer copies it
    json: JsonOption = False,
) -> None:
    """Write a roster in another format, read it back, and say what that format cannot hold."""
    from provision.cli.reading import options_of
    from provision.cli.terminal import page, write_all
    from provision.convert import TARGETS, reading
    from provision.convert import convert as write_bundle
    from provision.convert.bundle import refuse_taken
    from provision.formats import load_roster
    from provision.reports import conversion
    from provision.roster.summary import summary
    from provision.store import passing_store

    refuse_taken(out)  # before the work
    target = next(target for target in TARGETS if target.format.name == to.value)
    options = reading(options_of(profile), accept_missing, passwords=with_passwords)
    with passing_store(MEMORY) as store:
        loaded = load_roster(store, roster, options, format.value)
        done = write_bundle(
            store,
            target,
            out,
            options,
            school_year=school_year,
            leave_out_errors=leave_out_errors,
            left_passwords=loaded.left_passwords,
        )
        render = conversion.render_json if json else conversion.render
        write_all(render(done, summary(store), page()))
