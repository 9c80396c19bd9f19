"""Checks what a configuration names and a camera needs at its start: an agency's profile, table and list."""

from lapel.categories import categories_of
from lapel.config import Config
from lapel.policy.profile import load_profile
from lapel.wearer_controls import table_of


def require_usable(config: Config) -> None:
    """Raise ConfigError for a policy's profile, a table of indications or a list of categories that cannot be used."""
    load_profile(config.policy.profile)
    table_of(config.controls)
    categories_of(config.recording)
