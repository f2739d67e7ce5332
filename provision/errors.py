"""Every error an operator can meet, each with its exit code.

One root, `ProvisionError`, so that the command line has one boundary: it prints `message`, then each line of
`details`, and leaves with `exit_code`. A traceback is a bug in `provision`, never an answer to bad input.
"""

from __future__ import annotations

from collections.abc import Sequence

EXIT_CODES = {
    0: "nothing to do, or everything done",
    1: "error: the input, the profile, the directory or the plan stopped the run",
    2: "usage: the command line is wrong",
    3: "changes are planned (plan --detailed-exitcode)",
    4: "a guard tripped, or an approval is missing; nothing was written",
    5: "partly failed: some changes were not applied, the results say which",
    6: "locked: another run is using this profile's state, or that of a profile beside it",
}


class ProvisionError(Exception):
    """What went wrong, where, and what to do, in one sentence and optional lines of detail."""

    exit_code = 1

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)


class UsageError(ProvisionError):
    """The command line asks for something that does not fit together."""

    exit_code = 2


class SettingsError(ProvisionError):
    """An environment variable or `.env` entry has a value we cannot use."""


class ProfileError(ProvisionError):
    """The sync profile is missing, is not TOML, or has an unknown key or a wrong value; or the accepted matches beside
    it cannot be used."""


class RosterError(ProvisionError):
    """The roster as a whole cannot be used: a file, a header or an encoding is at fault."""


class StateError(ProvisionError):
    """The state folder cannot be used, or was written by a newer version."""


class OutOfRoom(ProvisionError):
    """The work takes more memory than provision allows itself, or more disk than there is."""


class Locked(ProvisionError):
    """Another run holds this profile's state, or that of a profile beside it."""

    exit_code = 6


class DirectoryError(ProvisionError):
    """Microsoft Graph refused, or could not be read whole."""


class PlanFileError(ProvisionError):
    """The file is not a plan, was altered, or has an unknown major version."""


class UnknownKey(ProvisionError):
    """Nothing has the key, id or name that was asked for."""


class StalePlan(ProvisionError):
    """The plan as a whole no longer fits: other tenant, other profile, expired."""


class GuardTripped(ProvisionError):
    """The plan would change more than the profile allows; nothing was written."""

    exit_code = 4


class ApprovalError(ProvisionError):
    """An approval is missing, is for another plan, was altered, or its key cannot be used; nothing was written."""

    exit_code = 4


class PartlyFailed(ProvisionError):
    """Some changes were not applied."""

    exit_code = 5
