"""Take over a running DLRN instance: its history, users, votes, promotions and tree."""
