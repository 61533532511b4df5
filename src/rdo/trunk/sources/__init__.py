"""The content of upstreams and distgits: polling, branches, PyPI releases, commits to build."""
