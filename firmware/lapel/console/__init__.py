"""The technician's serial console: line, login, commands. It knows cameras only as a `ConsoleCamera`."""
