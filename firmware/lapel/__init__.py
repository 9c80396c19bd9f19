"""Lapel: body-worn-camera firmware. `camera.py` joins its parts; `states.py` defines what it does in each state."""

__version__ = "0.1.0"
