"""`provision status`: what the state folder knows."""

import typer

from provision.cli.options import JsonOption, ProfileOption, StateOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(profile: ProfileOption, json: JsonOption = False, state: StateOption = None) -> None:
    """Show the last runs and what the ledger holds."""
    from json import dumps

    from provision.apply.resume import unfinished
    from provision.apply.status import read_status
    from provision.cli.road import open_run
    from provision.cli.terminal import write
    from provision.settings import load_settings

    with open_run(load_settings(state=state), profile) as run:
        known, left = read_status(run.store), unfinished(run.store)
    if json:
        write(dumps(known) + "\n")
        return
    write(f"State: {run.folder}\n")
    write("Ledger: " + (", ".join(f"{n:,} {kind}" for kind, n in known["ledger"].items()) or "empty") + "\n")
    for last in known["runs"]:
        counts = ", ".join(f"{last[name]:,} {name}" for name in ("done", "failed", "skipped", "stale") if last[name])
        write(f"Run {last['run']}: {counts or 'nothing to do'}" + ("" if last["finished"] else " (cut short)") + "\n")
    if known["unsettled"]:
        write(
            f"{known['unsettled']:,} changes may have been sent, and no answer is known; the next run looks them up.\n"
        )
    if known["failing"]:
        write(
            f"Left alone, as it keeps failing: {', '.join(known['failing'])}; `provision apply --retry KEY` sends it.\n"
        )
    if left is not None:
        write(f"The plan {left.path} was not carried out to its end; `provision apply --resume` goes on with it.\n")
