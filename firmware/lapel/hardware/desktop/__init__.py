"""A laptop or any Linux machine: terminal keys as buttons, a status line as lights, pseudo terminals."""
