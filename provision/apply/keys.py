"""Keys to approve plans with: Ed25519 (RFC 8032), the private one in a file of its approver's, the public one in the
profile.

A private key is a PEM file (PKCS 8), mode 0600, with a passphrase if its owner gave one. A public key is a line of
text, `ed25519:` and 43 signs of Base64.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from provision.errors import ApprovalError, UsageError
from provision.store.files import make_folder, replace_file

KIND = "ed25519:"


def new_key(path: Path, passphrase: str) -> str:
    """Make a private key at `path` and return the public one. An empty passphrase leaves the file unprotected.

    Raises `UsageError` when there is a file already: what it signed could never be signed again.
    """
    if path.exists():
        raise UsageError(f"There is a file {path} already; no key was made.", ["Give another name."])
    key = Ed25519PrivateKey.generate()
    sealed = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    make_folder(path.parent)
    with replace_file(path) as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))
    return public_text(key)


def is_sealed(path: Path) -> bool:
    """Whether the private key needs a passphrase. Raises `ApprovalError` where it cannot be read."""
    return b"ENCRYPTED PRIVATE KEY" in _pem(path)


def load_key(path: Path, passphrase: str) -> Ed25519PrivateKey:
    """The private key at `path`. Raises `ApprovalError` where it is none, others can read it, or the passphrase is
    wrong."""
    pem = _pem(path)
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        raise ApprovalError(f"Others than you can read the key {path}.", [f"chmod 600 {path}"])
    try:
        key = load_pem_private_key(pem, passphrase.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        advice = "Is the passphrase right?" if passphrase or is_sealed(path) else "`provision key new` makes one."
        raise ApprovalError(f"{path} cannot be used as a private key.", [advice]) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ApprovalError(
            f"{path} is a private key of another kind than Ed25519.", ["`provision key new` makes one."]
        )
    return key


def _pem(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ApprovalError(
            f"The key {path} cannot be read: {error.strerror or error}.", ["`provision key new` makes one."]
        ) from None


def public_text(key: Ed25519PrivateKey) -> str:
    """The public key that belongs to it, as a profile names it."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return KIND + base64.b64encode(raw).decode().rstrip("=")


def sign(key: Ed25519PrivateKey, text: bytes) -> str:
    """The signature, in Base64."""
    return base64.b64encode(key.sign(text)).decode()


def is_signed(public: str, signature: str, text: bytes) -> bool:
    """Whether the owner of the public key has signed the text."""
    try:
        raw = base64.b64decode(public.removeprefix(KIND) + "=", validate=True)
        Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(signature, validate=True), text)
    except (ValueError, InvalidSignature):
        return False
    return public.startswith(KIND)


def usual_key() -> Path:
    """Where an approver's key is if nobody says otherwise."""
    return Path("~/.provision/approval.key").expanduser()
