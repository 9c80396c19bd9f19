"""A camera as a service of systemd: readiness, watchdog, journal."""
