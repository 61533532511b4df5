"""The steps that upgrade an older database."""
