"""Simulated cameras: the real firmware on simulated hardware, alone or as a fleet, and faults injected into them."""
