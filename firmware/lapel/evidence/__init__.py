"""What is on disk, and what can be said about it."""
