"""A laptop or any Linux machine: a terminal for a button, a status line for a light, a folder for a card."""
