"""The built-in builder: rpmbuild in roots of this machine."""
