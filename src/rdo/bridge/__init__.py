"""What neither the release nor its base packages, made into RPMs from PyPI and Debian."""
