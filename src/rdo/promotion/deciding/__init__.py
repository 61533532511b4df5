"""Which candidate a promotion name gets: criteria, votes, and the promoter that applies them."""
