"""%gpgverify: check the detached signature of a source. Runs inside the root."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path


def verify(keyring: Path, signature: Path, data: Path) -> bool:
    """Whether one of the keys in `keyring` (armoured or not) made the signature."""
    with tempfile.TemporaryDirectory() as home:
        common = ("--homedir", home, "--batch", "--no-autostart", "--quiet")
        trusted = Path(home, "trusted.gpg")
        imported = subprocess.run(
            ["gpg", *common, "--no-default-keyring", "--keyring", trusted, "--import", keyring],
            check=False,
        )
        if imported.returncode:
            return False
        checked = subprocess.run(
            ["gpgv", "--homedir", home, "--keyring", trusted, signature, data], check=False
        )
        return checked.returncode == 0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="%gpgverify")
    for name in ("keyring", "signature", "data"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    for path in (args.keyring, args.signature, args.data):
        if not path.exists():
            sys.exit(f"%gpgverify: {path} does not exist")
    if not verify(args.keyring, args.signature, args.data):
        keys, signature = args.keyring.name, args.signature.name
        sys.exit(f"%gpgverify: the keys in {keys} do not verify {signature} for {args.data.name}")
    return 0
