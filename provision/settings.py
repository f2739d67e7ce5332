"""Settings: what the environment says. The sync profile says what a run may do; this says where it runs.

A flag wins over the environment, the environment over `.env` in the working folder. Credentials are not here:
azure-identity reads its own variables (`AZURE_*`), so that no secret passes through our code.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from provision.errors import SettingsError

PUBLIC_GRAPH = "https://graph.microsoft.com"


class Settings(BaseSettings):
    """Where a run reads, writes and keeps its state."""

    model_config = SettingsConfigDict(
        env_prefix="PROVISION_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    graph_url: str = PUBLIC_GRAPH
    """Root of Microsoft Graph: the public cloud, a national cloud, or a sandbox on this machine."""

    state: Path | None = None
    """Folder for the store, the first passwords and the embedded tenant. Empty: `.provision` beside the profile."""

    key: Path | None = None
    """The approver's private key. Empty: `~/.provision/approval.key`."""

    key_passphrase: SecretStr | None = None
    """Of that key, where nobody is there to be asked."""

    max_share: float = 1.0
    """The part of the tenant's quotas that a run may use, written as `50%`: other software needs some, too."""

    @field_validator("max_share", mode="before")
    @classmethod
    def _percent(cls, value: object) -> object:
        return value if isinstance(value, float) else share_of(str(value))

    @field_validator("graph_url")
    @classmethod
    def _https_or_loopback(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.port == 0:
            raise ValueError("must have a port from 1 to 65535")
        if parts.scheme == "https" and parts.hostname:
            return value.rstrip("/")
        if parts.scheme == "http" and is_loopback(value):
            return value.rstrip("/")
        raise ValueError("must be https://…, or http:// on this machine (127.0.0.1, localhost, [::1])")

    def state_folder(self, beside: Path) -> Path:
        """The state folder of a profile (or roster) that lies in `beside`."""
        return self.state if self.state is not None else beside / ".provision"


def share_of(text: str) -> float:
    """`50%` as 0.5. Raises `ValueError` for anything that is no share from 1 % to 100 %."""
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?%", text.strip()) or not 1 <= float(text.strip()[:-1]) <= 100:
        raise ValueError(f"'{text}' is not a share from 1% to 100%, such as 50%")
    return float(text.strip()[:-1]) / 100


def is_loopback(url: str) -> bool:
    """Whether `url` points at this machine, the only place where no credential is needed."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load_settings(**flags: object) -> Settings:
    """Settings from flags (those that are not None), the environment and `.env`.

    Raises `SettingsError` naming the variable and the mend.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # checked by pydantic
    except UnicodeDecodeError:
        raise SettingsError("The file .env is not UTF-8 text.", ["Save it as UTF-8."]) from None
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        details = [
            f"{_variable(str(fault['loc'][0]))}: {fault['msg'].removeprefix('Value error, ')}" for fault in faults
        ]
        raise SettingsError("A setting cannot be used.", details) from None


def _variable(name: str) -> str:
    return f"PROVISION_{name}".upper()
