"""Programs of ours that run as separate processes: some build walls, others work behind them."""
