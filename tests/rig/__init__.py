"""What the tests stand on: real servers started for one run, marks, counts, users, recorded data."""
