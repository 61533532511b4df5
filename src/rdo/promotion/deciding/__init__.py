"""Decide which candidate a promotion name gets: criteria, votes, and the promoter."""
