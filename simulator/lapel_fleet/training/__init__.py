"""Practice on cameras with field problems: one file per problem, a simulated camera to solve it on.

The same file in `problems/` is a test, a chapter of the guide (docs/field.md) and an exercise (`lapel-fleet practice`).
"""
