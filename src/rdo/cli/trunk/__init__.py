"""The commands that follow upstreams, and those that explain and repeat builds."""
