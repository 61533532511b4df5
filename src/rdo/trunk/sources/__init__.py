"""What upstreams and distgits have: polling, branches, PyPI releases, commits to build."""
