"""Signing what a target publishes: the key, by which way it is reached, and what came of it."""

from rdo.signing.signer import Signer as Signer
from rdo.signing.signer import SigningError as SigningError
