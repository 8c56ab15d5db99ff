"""What an account owns and trades: orders, trades, ledger entries, moves of money; assets, pairs, networks."""
