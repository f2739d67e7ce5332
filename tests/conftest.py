"""What every test shares: no setting of this machine reaches a test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import duckdb
import pytest
from support.world import World, world

# whoever starts the tests in the background lets Ctrl-C be ignored, and so would the processes that tests start
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("PROVISION_", "AZURE_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of tests are small: a second thread has nothing to do in them, and waking it costs time."""
    monkeypatch.setattr(duckdb, "connect", partial(duckdb.connect, config={"threads": 1}))


@pytest.fixture
def school(tmp_path: Path) -> Iterator[World]:
    """A tenant, a profile and no roster yet."""
    with world(tmp_path) as made:
        yield made


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update` rewrites the expected files of the cases."""
    parser.addoption("--update", action="store_true", help="rewrite the expected files of tests/cases")
