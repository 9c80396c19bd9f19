"""Figures: `make bench`. Each module has `main() -> list[Figure]`."""
