"""The documents about a build, by name."""

import sys

from rdo.app.targets import OpenTarget
from rdo.errors import ConfigError
from rdo.promotion.evidence.facts import facts_of
from rdo.signing import Signer


def document(opened: OpenTarget, build: str, kind: str, signer: Signer | None = None) -> str:
    """Return the document `cyclonedx`, `spdx` or `provenance` about a build, as JSON.

    A provenance may be signed. Raises NotFoundError if there is no such build, ConfigError if the
    libraries of the extra `evidence` are not installed, SigningError if the key cannot sign.
    """
    try:
        from rdo.promotion.evidence import bill, provenance, spdx
    except ImportError as error:
        raise ConfigError(
            f"evidence needs the extra `evidence`: {error.name} is not installed",
            hint=f"{sys.executable} -m pip install cyclonedx-python-lib spdx-tools "
            "in-toto-attestation securesystemslib",
        ) from error
    facts = facts_of(opened, build)
    match kind:
        case "cyclonedx":
            return bill.cyclonedx_json(facts)
        case "spdx":
            return spdx.spdx_json(facts)
    statement = provenance.provenance_json(facts)
    return provenance.signed_json(statement, signer) if signer else statement
