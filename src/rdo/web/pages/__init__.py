"""The dashboard: pages for people, as HTML that needs no JavaScript."""
