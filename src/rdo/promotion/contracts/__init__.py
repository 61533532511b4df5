"""Contracts between repositories: what one takes from others, and what it promises to them."""
