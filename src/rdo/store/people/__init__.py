"""What people do: accounts, acks, holds and open reviews."""
