"""PyPI as the provider of what neither the release nor the base distribution packages."""
