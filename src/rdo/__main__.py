"""`python -m rdo` is the `rdo` command."""

from rdo.cli.main import main

if __name__ == "__main__":
    main()
