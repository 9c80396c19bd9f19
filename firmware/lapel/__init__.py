"""Lapel: body-worn-camera firmware. `camera.py` joins the rooms; `states.py` says what a camera may do."""

__version__ = "0.1.0"
