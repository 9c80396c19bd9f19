"""The technician's serial console: line, login, commands. Knows a camera only as a `ConsoleCamera` (`interface.py`)."""
