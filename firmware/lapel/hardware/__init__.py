"""What a camera is made of: one small interface per device, then one package per platform."""
