"""The line that replays a run."""

import argparse


def replay_options(options: argparse.Namespace) -> str:
    """The options that the line needs beside scenario and seed: names of files with secrets, never a secret."""
    parts = [
        "--virtual" if options.virtual else "",
        "--stepped" if options.stepped else "",
        f"--run {options.run}" if options.run else "",
        f"--speed {options.speed:g}" if options.speed != 1 else "",
        "--chaos" if options.chaos else "",
        f"--media {options.media}" if options.media else "",
        f"--duration {options.duration}" if options.duration else "",
        f"--shard {options.shard}" if options.shard != "1/1" else "",
        f"--broker {options.broker.rpartition('@')[2]}" if options.broker else "",
        f"--destination {options.destination}" if options.destination else "",
        f"--destination-user {options.destination_user}" if options.destination_user else "",
        f"--destination-secret {options.destination_secret}" if options.destination_secret else "",
        f"--destination-ca {options.destination_ca}" if options.destination_ca else "",
        *(f"--receipt-key {path}" for path in options.receipt_key),
        *(f"--checker {name}" for name in options.checker),
    ]
    return " ".join(filter(None, parts))
