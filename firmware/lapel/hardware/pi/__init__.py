"""A Raspberry Pi's devices: one file each, and `board.py`, which opens those that the configuration names."""
