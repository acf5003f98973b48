"""What is read of trading accounts: orders, positions."""
