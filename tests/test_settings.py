"""Settings: which there are, who wins, what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provision.cli import main
from provision.errors import SettingsError
from provision.settings import PUBLIC_GRAPH, Settings, is_loopback, load_settings

EXAMPLE = Path(__file__).resolve().parents[1] / ".env.example"


def names(text: str) -> list[str]:
    """The variables of a file like `.env`, those that are commented out too."""
    return re.findall(r"^#?([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)


def test_the_example_names_exactly_the_settings() -> None:
    assert names(EXAMPLE.read_text(encoding="utf-8")) == [f"PROVISION_{name.upper()}" for name in Settings.model_fields]


def test_the_example_loads_with_every_line_switched_on() -> None:
    switched_on = re.sub(r"^#(?=[A-Z])", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    Path(".env").write_text(switched_on, encoding="utf-8")
    settings = load_settings()
    assert settings.model_fields_set == set(Settings.model_fields)
    assert settings.graph_url == PUBLIC_GRAPH


def test_without_anything_it_is_the_public_cloud_and_a_folder_beside_the_profile(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.graph_url == "https://graph.microsoft.com"
    assert settings.state_folder(tmp_path / "school") == tmp_path / "school" / ".provision"


def test_a_flag_wins_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(
        "PROVISION_STATE=from-file\nPROVISION_GRAPH_URL=https://graph.microsoft.us\n", encoding="utf-8"
    )
    assert load_settings().state == Path("from-file")
    monkeypatch.setenv("PROVISION_STATE", "from-environment")
    assert load_settings().state == Path("from-environment")
    assert load_settings(state=None).state == Path("from-environment")  # a flag that was not given
    settings = load_settings(state=Path("from-flag"))
    assert settings.state_folder(Path("elsewhere")) == Path("from-flag")
    assert settings.graph_url == "https://graph.microsoft.us"


def test_an_empty_variable_is_none_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROVISION_STATE", "")
    monkeypatch.setenv("PROVISION_GRAPH_URL", "")
    settings = load_settings()
    assert settings.graph_url == "https://graph.microsoft.com"
    assert settings.state_folder(tmp_path) == tmp_path / ".provision"


def test_what_else_stands_in_the_file_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("AZURE_CLIENT_SECRET=hidden\nPROVISION_OTHER=1\n", encoding="utf-8")
    monkeypatch.setenv("GRAPH_URL", "http://without-prefix.example")
    settings = load_settings()
    assert "hidden" not in repr(settings)
    assert settings.graph_url == PUBLIC_GRAPH


@pytest.mark.parametrize(
    ("given", "root"),
    [
        ("https://graph.microsoft.us/", "https://graph.microsoft.us"),
        ("http://127.0.0.1:8365/", "http://127.0.0.1:8365"),
        ("http://localhost:8365", "http://localhost:8365"),
        ("http://[::1]:8365", "http://[::1]:8365"),
    ],
)
def test_https_or_this_machine(monkeypatch: pytest.MonkeyPatch, given: str, root: str) -> None:
    monkeypatch.setenv("PROVISION_GRAPH_URL", given)
    assert load_settings().graph_url == root


@pytest.mark.parametrize(
    "given",
    [
        "http://graph.microsoft.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "graph.microsoft.com",
        "https://",
        "http://[::1",
    ],
)
def test_any_other_address_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setenv("PROVISION_GRAPH_URL", given)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert [line.partition(":")[0] for line in refused.value.details] == ["PROVISION_GRAPH_URL"]
    assert main(["sandbox", "dump"]) == 1
    assert "PROVISION_GRAPH_URL" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1", True),
        ("http://127.8.9.1:1", True),
        ("https://localhost/v1.0", True),
        ("http://[::1]", True),
        ("http://0.0.0.0", False),
        ("https://graph.microsoft.com", False),
        ("https://127.0.0.1.example.com", False),
        ("no address", False),
    ],
)
def test_only_this_machine_needs_no_credential(url: str, here: bool) -> None:
    assert is_loopback(url) is here


@pytest.mark.parametrize(("text", "share"), [("50%", 0.5), ("100%", 1.0), (" 12.5% ", 0.125)])
def test_a_share_of_the_quotas(monkeypatch: pytest.MonkeyPatch, text: str, share: float) -> None:
    assert load_settings().max_share == 1
    monkeypatch.setenv("PROVISION_MAX_SHARE", text)
    assert load_settings().max_share == share
    assert load_settings(max_share=0.75).max_share == 0.75


@pytest.mark.parametrize("text", ["50", "0%", "101%", "half", "-5%", "5e1%"])
def test_what_is_no_share_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    monkeypatch.setenv("PROVISION_MAX_SHARE", text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "PROVISION_MAX_SHARE" in str(caught.value.details)
    monkeypatch.delenv("PROVISION_MAX_SHARE")
    assert main(["apply", "--profile", "nowhere.toml", f"--max-share={text}"]) == 2
    assert f"--max-share: '{text}' is not a share" in capsys.readouterr().err
