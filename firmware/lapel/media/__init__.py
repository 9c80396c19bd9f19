"""From the lens to the file: capture, encode, keep what came before, record."""
