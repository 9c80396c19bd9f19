"""The technician's serial console: a line, a login, commands. Knows a camera only as a `Desk` (`interface.py`)."""
