"""The fleet link over MQTT: presence, telemetry and events published, commands received."""
