"""Which cameras can be provisioned: the identity of a camera, and the limits of its names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lapel.errors import ConfigError
from lapel.link.contract import checked_name

MAX_COMMON_NAME_CHARS = 64
"""RFC 5280, appendix A.1: ub-common-name."""
_MAX_CAMERAS = 99_999


@dataclass(frozen=True, slots=True)
class Identity:
    """A camera, by the three names of its topics."""

    agency: str
    site: str
    camera: str

    @property
    def common_name(self) -> str:
        """The name in its certificate, which Mosquitto takes as its user name."""
        return f"{self.agency}/{self.site}/{self.camera}"


def camera_identities(agency: str, sites: Sequence[str]) -> list[Identity]:
    """The identities for `--sites`: `baltimore=3` is cam-0001 to cam-0003, `buffalo=front,rear` names them.

    Raises ConfigError.
    """
    found: dict[str, Identity] = {}
    for text in sites:
        site, equals, wanted = text.partition("=")
        if not equals or not wanted:
            raise ConfigError(f"--sites {text}: give SITE=COUNT or SITE=NAME,NAME, such as baltimore=3")
        for name in _camera_names(text, wanted):
            identity = checked_identity(Identity(agency, site, name))
            found[identity.common_name] = identity
    return list(found.values())


def _camera_names(text: str, wanted: str) -> list[str]:
    if not re.fullmatch(r"-?\d+", wanted):
        return wanted.split(",")
    if not 1 <= int(wanted) <= _MAX_CAMERAS:
        raise ConfigError(f"--sites {text}: from 1 to {_MAX_CAMERAS} cameras")
    return [f"cam-{number:04}" for number in range(1, int(wanted) + 1)]


def checked_identity(identity: Identity) -> Identity:
    """The identity. Raises ConfigError when its names do not fit into topics, file names or a certificate."""
    for key, name in (("agency", identity.agency), ("site", identity.site), ("camera", identity.camera)):
        checked_name(key, name)
        if name.startswith("."):
            raise ConfigError(f"{key}: {name!r} begins with a dot, so it cannot be used as a file name")
    if len(identity.common_name) > MAX_COMMON_NAME_CHARS:
        raise ConfigError(
            f"{identity.common_name}: has {len(identity.common_name)} characters, but a certificate's common name "
            f"can have only {MAX_COMMON_NAME_CHARS}; use shorter names"
        )
    return identity
