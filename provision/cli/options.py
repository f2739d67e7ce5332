"""Options that several commands share, each said once."""

from pathlib import Path
from typing import Annotated, Optional

import typer

ProfileOption = Annotated[Path, typer.Option("--profile", help="The sync profile (TOML).", metavar="FILE")]
RosterOption = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--roster", help="Folder or ZIP, instead of the profile's.", metavar="PATH"),
]
StateOption = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--state", help="Folder for state [env: PROVISION_STATE; else .provision].", metavar="DIR"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
OverrideOption = Annotated[
    list[str],
    typer.Option("--override", help="Let this run pass a guard, by its name in [guards].", metavar="GUARD"),
]
AcceptMissingOption = Annotated[
    list[str],
    typer.Option("--accept-missing", help="Take a roster file's absence or emptiness as meant.", metavar="FILE"),
]
OnlyOption = Annotated[
    list[str],
    typer.Option("--only", help="Plan a part only: person:S1, section:C1, school:10 …", metavar="WHICH"),
]
ReconsiderOption = Annotated[
    list[str],
    typer.Option("--reconsider", help="Plan again what an approver rejected, by its key.", metavar="KEY"),
]
RetryOption = Annotated[
    list[str],
    typer.Option("--retry", help="Send what keeps failing and is set aside, by its key.", metavar="KEY"),
]
RecreateOption = Annotated[
    list[str],
    typer.Option("--recreate", help="Make anew what was deleted by hand, by its key.", metavar="KEY"),
]
