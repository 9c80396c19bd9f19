"""Training on field problems: each is one file in `problems/`, used as test, exercise and chapter of the guide."""
