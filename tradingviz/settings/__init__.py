"""Settings: `base` reads the environment strictly, `dev`, `test` and `prod` say what differs."""
