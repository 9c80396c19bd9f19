"""The control room's side of a run's MQTT traffic: subscribes, keeps what was received, and sends commands."""
