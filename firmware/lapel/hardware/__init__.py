"""The devices of a camera: one small interface per device, then one package per platform."""
