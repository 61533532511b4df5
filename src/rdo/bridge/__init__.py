"""The bridge: packages from PyPI and Debian for what neither the release nor its base packages."""
