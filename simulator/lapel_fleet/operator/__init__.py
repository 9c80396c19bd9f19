"""The operator's commands `ls`, `send` and `watch`, on any broker. It knows a fleet only by its messages."""
