"""Sign what a target publishes: the key, the way to reach it, and checks of the result."""

from rdo.signing.signer import Signer as Signer
from rdo.signing.signer import SigningError as SigningError
