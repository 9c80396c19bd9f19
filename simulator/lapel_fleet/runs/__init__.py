"""A run of a scenario in virtual, live or stepped time: options, command, worker processes and the result."""
