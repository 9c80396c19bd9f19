"""The fleet link: what a camera tells its broker and takes from it."""
