"""The operator's side: sees the fleet as its broker shows it, and knows only the messages."""
