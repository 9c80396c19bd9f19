"""The same day under two policy profiles: what differs, and by which rule."""
