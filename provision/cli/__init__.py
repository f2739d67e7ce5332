"""The command line: the only code that prints, and the only one that knows typer.

Commands import what they need when they run, so that `provision --help` loads no HTTP, Azure or Graph module.
"""

import io
import os
import sys
from typing import TextIO

import typer

from provision.cli import (
    apply,
    approve,
    check,
    convert,
    demo,
    diff,
    explain,
    init,
    key,
    match,
    plan,
    profile,
    rehearse,
    sandbox,
    show,
    stale,
    status,
    undo,
)
from provision.errors import EXIT_CODES, ProvisionError

EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + "."

app = typer.Typer(
    name="provision",
    help="A school's roster into Microsoft 365: planned first, applied exactly, never deleting.",
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)
for command in (init, check, convert, plan, approve, apply, show, diff, explain, rehearse, undo, stale, demo, status):
    command.register(app)
app.add_typer(key.app, name="key")
app.add_typer(match.app, name="match")
app.add_typer(profile.app, name="profile")
app.add_typer(sandbox.app, name="sandbox")


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Show the version and leave.", is_eager=True),
) -> None:
    if version:
        from provision import __version__

        sys.stdout.write(f"provision {__version__}\n")
        raise typer.Exit


def _write_every_sign(stream: TextIO) -> None:
    """A file or program gets UTF-8, whatever the system's code page; a terminal what it can show."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=stream.encoding if stream.isatty() else "utf-8", errors="replace")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: the one boundary at which errors become words."""
    os.umask(0o077)  # whatever we write names children: plans, state, what DuckDB spills
    for stream in (sys.stdout, sys.stderr):
        _write_every_sign(stream)
    try:
        app(args=arguments, prog_name="provision")
    except ProvisionError as error:
        from provision.cli.terminal import tell_error

        tell_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. What was done is in the journal; run the same command again to go on.\n")
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us has left: nothing more to say
        return 1
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    return 0
