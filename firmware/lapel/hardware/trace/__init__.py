"""Hardware traces: what the devices of a camera did, written down where the adapters receive it, and read back."""
