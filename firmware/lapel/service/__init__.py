"""A camera as a service of systemd: readiness, watchdog, journal, installation, and what is wrong with a machine."""
