"""Certificates of the camera on the bench: an expired one, and a new one for the same key."""

import shutil
from datetime import timedelta
from pathlib import Path

from lapel.clock import Clock
from lapel.config import CameraSection
from lapel.errors import ConfigError

EXPIRED, RENEWED, KEY = "identity/camera.crt", "identity/renewed.crt", "identity/camera.key"
"""The files on the camera."""
_VALID_DAYS, _EXPIRED_DAYS = 365, 20


class CertificateAuthority:
    """Issues certificates for one camera, and keeps its own files apart from the camera's. Each call blocks for about
    20 ms. Raises ConfigError when `cryptography` is not installed.
    """

    def __init__(self, folder: Path, camera: CameraSection, clock: Clock) -> None:
        """`folder` is the camera's; `clock` is correct."""
        self._folder, self._camera, self._clock = folder, camera, clock

    def issue_expired(self) -> None:
        """Give the camera a certificate that expired 20 days ago."""
        self._issue(_VALID_DAYS + _EXPIRED_DAYS, EXPIRED)

    def renew(self) -> None:
        """Copy a new certificate to the camera."""
        self._issue(0, RENEWED)

    def _issue(self, days_ago: int, to: str) -> None:
        try:
            from lapel_fleet.broker.authority import Authority
            from lapel_fleet.broker.identity import Identity
        except ImportError as error:
            raise ConfigError("certificates need more packages: pip install 'lapel[fleet]'") from error
        camera = self._camera
        authority = Authority(self._folder / "office", self._clock.now().utc - timedelta(days=days_ago))
        authority.provision([Identity(camera.agency, camera.site, camera.name)], [], [], _VALID_DAYS)
        issued = self._folder / "office" / "identities" / camera.agency / camera.site / f"{camera.name}.crt"
        (self._folder / to).parent.mkdir(exist_ok=True)
        shutil.copy(issued, self._folder / to)
        shutil.copy(issued.with_suffix(".key"), self._folder / KEY)
