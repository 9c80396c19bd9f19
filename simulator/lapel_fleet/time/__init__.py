"""Virtual, scaled and stepped time, and what runs or waits in it."""
