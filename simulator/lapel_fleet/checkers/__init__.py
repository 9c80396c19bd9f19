"""Verdicts on a clip on disk, on a run's cameras, on a back end. They know nothing of how the simulator works.

A new checker of cameras is a function in the module of its subject (`recordings.py`, `states.py`, `events.py`,
`commands.py`, `resources.py`), listed in `registry.py`; one of a back end is in `back_end.py`. `user_checkers.py` loads
users' own.
"""
