"""Training on field problems: each is one file in `problems/`, used as a test, an exercise and a chapter of the guide."""
