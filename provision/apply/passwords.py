"""First passwords: durable in a private file before the account is.

A random one is made here and stands nowhere else: not in the plan, the store, a log or a result. One that the
roster gives stands in the store, too, from planning until its account has been made. A create that was attempted
before keeps the password of that attempt, because its account may exist. The password of an existing user is never
touched.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from provision.apply.words import WORDS
from provision.errors import StateError

LENGTH = 16
CLASSES = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "!#%+-=?@")
"""Four classes, as Entra wants three of; without the signs that children mistake for one another."""
ALL = "".join(CLASSES)


def random_password() -> str:
    """A password of every class, in an order that tells nothing."""
    draw = _Draw()
    signs = [draw.one_of(signs) for signs in CLASSES]
    signs += [draw.one_of(ALL) for _ in range(LENGTH - len(signs))]
    return "".join(signs.pop(draw.below(len(signs))) for _ in range(LENGTH))


class _Draw:
    """Random choices out of one large number: to ask the system for each of them takes ten times as long.

    There are fewer than 2 ** 150 passwords, and their chances differ by less than a part in 2 ** 100.
    """

    def __init__(self) -> None:
        self._number = secrets.randbits(256)

    def below(self, end: int) -> int:
        self._number, drawn = divmod(self._number, end)
        return drawn

    def one_of(self, signs: str) -> str:
        return signs[self.below(len(signs))]


def words_password() -> str:
    """Four words and two digits, as `Maple-River-Otter-Lamp-47`: to be read out, and typed by a child.

    It is one of about 2 * 10^12, which is much for something that is guessed at a sign-in page, and nothing for who
    holds a copy of the directory; it is to be changed at the first sign-in.
    """
    words = [secrets.choice(WORDS).capitalize() for _ in range(4)]
    return "-".join([*words, secrets.choice(CLASSES[2]) + secrets.choice(CLASSES[2])])


STYLES: Mapping[str, Callable[[], str]] = {"random": random_password, "words": words_password}
"""How a password is made, by its name in the profile; one of the roster is not made."""


class PasswordFile:
    """`<profile>.passwords.jsonl` in the state folder, mode 0600: one line per account that was about to be made."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def known(self, keys: frozenset[str]) -> dict[str, str]:
        """The passwords of earlier attempts at these keys; the last line of a key counts."""
        found: dict[str, str] = {}
        for line in self._lines():
            if line["key"] in keys:
                found[line["key"]] = line["password"]
        return found

    def save(self, accounts: Mapping[str, tuple[str, str]]) -> None:
        """Add (sign-in name, password) by key, and return when they are on the disk.

        Raises `StateError` when they cannot be saved: then the accounts must not be made.
        """
        if not accounts:
            return
        text = "".join(
            json.dumps({"key": key, "user_principal_name": name, "password": password}) + "\n"
            for key, (name, password) in accounts.items()
        )
        try:
            with self._appending() as handle:
                if self._is_torn():
                    text = "\n" + text
                os.write(handle, text.encode())
                os.fsync(handle)
        except OSError as error:
            raise StateError(
                f"First passwords cannot be saved in {self.path}: {error.strerror}; no account was made for them."
            ) from None

    @contextmanager
    def _appending(self) -> Iterator[int]:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.fchmod(handle, 0o600)
            yield handle
        finally:
            os.close(handle)

    def _is_torn(self) -> bool:
        """Whether the last line was cut off, by a full disk for example."""
        with self.path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            if not file.tell():
                return False
            file.seek(-1, os.SEEK_END)
            return file.read() != b"\n"

    def _lines(self) -> Iterator[dict[str, str]]:
        """Whole lines only: a line that was cut off belongs to a request that never left."""
        try:
            with self.path.open(encoding="utf-8") as file:
                for text in file:
                    with suppress(ValueError):
                        yield json.loads(text)
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise StateError(f"{self.path} cannot be read: {error}.") from None
