"""A run of a scenario in virtual, live or stepped time: cameras, worker processes, control, and the result."""
