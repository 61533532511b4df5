"""A tree is kept whole and small: verified, mended, signed again, cleared of what nobody needs."""
