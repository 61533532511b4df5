"""Packages that neither the release nor its base system has, as RPMs made from PyPI and Debian."""
