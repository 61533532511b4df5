"""What people do: their accounts, whom they look after, what they hold, open reviews."""
