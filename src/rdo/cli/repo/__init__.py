"""Commands on the repositories of a target: show, compare, compose, and bring to hosts."""
