"""The repositories of a target: looked at, compared, composed, and brought to hosts."""
