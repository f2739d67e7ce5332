"""The templates that are shipped inside the wheel."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from provision.errors import UsageError
from provision.store.files import make_folder, replace_file

HERE = Path(__file__).resolve()


def templates() -> Path:
    """The folder of templates: in the installed package, else beside it in a source tree."""
    shipped = HERE.parents[1] / "templates"
    return shipped if shipped.is_dir() else HERE.parents[2] / "templates"


def write_template(name: str, target: Path, values: Mapping[str, str]) -> None:
    """Copy a template with `{name}` filled in. Raises `UsageError` rather than overwrite a file."""
    if target.exists():
        raise UsageError(f"{target} exists already; it is not overwritten.", ["Give another folder, or move it away."])
    text = (templates() / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    make_folder(target.parent)
    with replace_file(target) as file:
        file.write(text.encode())


def copy_roster(name: str, target: Path) -> None:
    """Copy a sample roster. Raises `UsageError` rather than overwrite a folder."""
    if target.exists():
        raise UsageError(f"{target} exists already; it is not overwritten.", ["Give another folder, or move it away."])
    make_folder(target.parent)
    shutil.copytree(templates() / "rosters" / name, target)
