"""Writing: every function takes keywords and is safe to run twice."""
