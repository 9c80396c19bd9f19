"""Who judges, and what: a clip on disk, a fleet and what was heard of it. None knows how the simulator works."""
