"""The pages of a target, made from values, with nothing loaded from other servers."""
