"""The targets of `support/targets.py` under atheris, which looks for input that takes new ways through the code.

    python tests/fuzz.py csv|zip|roster [options of libFuzzer, such as -max_total_time=60]

What it learns it keeps in the working folder, under corpus-csv and so on. It stops at the first input that breaks a
promise and writes it there as crash-...; pass that file as an argument to run it again. What it found becomes a case
in `test_hostile.py`.
"""

from __future__ import annotations

import io
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["provision.formats", "csv", "zipfile"]):
    from bench.district import Size, write_district
    from support.targets import check_csv, check_roster, check_zip, contents

FORM = "sds-v2"  # the fewest files


def _sound() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        write_district(Path(folder), Size(1), FORM)
        return contents(Path(folder))


SOUND = _sound()


def _packed() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in SOUND.items():
            archive.writestr(name, content)
    return written.getvalue()


TARGETS: dict[str, tuple[Callable[[bytes], bool], list[bytes]]] = {
    "csv": (check_csv, list(SOUND.values())),
    "zip": (check_zip, [_packed()]),
    "roster": (lambda raw: check_roster({**SOUND, "users.csv": raw}), [SOUND["users.csv"]]),
}


def main() -> None:
    """Fuzz one target from its sound input on."""
    target, seeds = TARGETS[sys.argv[1]]
    options = sys.argv[2:]
    corpus = Path(f"corpus-{sys.argv[1]}")
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    again = any(Path(option).is_file() for option in options)
    atheris.Setup([sys.argv[0], *options, *([] if again else [str(corpus)])], target)
    atheris.Fuzz()  # leaves the process


if __name__ == "__main__":
    main()
