"""The office that gives a camera on the bench its certificates: one that has run out, and a new one for its key."""

import shutil
from datetime import timedelta
from pathlib import Path

from lapel.clock import Clock
from lapel.config import CameraSection
from lapel.errors import ConfigError

EXPIRED, RENEWED, KEY = "identity/camera.crt", "identity/renewed.crt", "identity/camera.key"
"""Where they lie on the camera."""
_GOOD_FOR_DAYS, _EXPIRED_DAYS = 365, 20


class CertificateAuthority:
    """Knows one camera, and keeps its own papers apart from it. Blocks for some 20 ms. Raises ConfigError where the
    machine has no `cryptography`.
    """

    def __init__(self, folder: Path, camera: CameraSection, clock: Clock) -> None:
        """`folder` is the camera's; `clock` is right."""
        self._folder, self._camera, self._clock = folder, camera, clock

    def issue_expired(self) -> None:
        """The certificate that it has: good for a year, and that was over some weeks ago."""
        self._issue(_GOOD_FOR_DAYS + _EXPIRED_DAYS, EXPIRED)

    def renew(self) -> None:
        """A new one is copied to the camera."""
        self._issue(0, RENEWED)

    def _issue(self, days_ago: int, to: str) -> None:
        try:
            from lapel_fleet.broker.authority import Authority
            from lapel_fleet.broker.identity import Identity
        except ImportError as error:
            raise ConfigError("certificates need more than the camera does: pip install 'lapel[fleet]'") from error
        who = self._camera
        authority = Authority(self._folder / "office", self._clock.now().utc - timedelta(days=days_ago))
        authority.provision([Identity(who.agency, who.site, who.name)], [], [], _GOOD_FOR_DAYS)
        made = self._folder / "office" / "identities" / who.agency / who.site / f"{who.name}.crt"
        (self._folder / to).parent.mkdir(exist_ok=True)
        shutil.copy(made, self._folder / to)
        shutil.copy(made.with_suffix(".key"), self._folder / KEY)
