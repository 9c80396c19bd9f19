"""Verdicts on a clip on disk, on a run's cameras, on a back end. They know nothing of how the simulator works."""
