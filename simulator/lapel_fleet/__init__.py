"""What stands in for the world around cameras."""
