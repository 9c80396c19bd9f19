"""Which cameras can be provisioned."""

import pytest

from lapel.errors import ConfigError
from lapel_fleet.broker.identity import camera_identities


def test_the_cameras_of_a_site_are_counted_or_named() -> None:
    names = [one.common_name for one in camera_identities("demo", ["baltimore=2", "buffalo=front,rear", "baltimore=1"])]
    assert names == ["demo/baltimore/cam-0001", "demo/baltimore/cam-0002", "demo/buffalo/front", "demo/buffalo/rear"]


@pytest.mark.parametrize(
    ("site", "error"),
    [
        ("baltimore", "give SITE=COUNT"),
        ("baltimore=", "give SITE=COUNT"),
        ("baltimore=0", "from 1 to 99999"),
        ("baltimore=-1", "from 1 to 99999"),
        ("a/b=1", "contains '/'"),
        ("..=1", "begins with a dot"),
        ("baltimore=a,,b", "is empty"),
        ("baltimore=a+b", r"contains '\+'"),
        (f"{'x' * 60}=1", "a certificate's common name can have only 64"),
    ],
)
def test_an_impossible_site_or_name_is_refused(site: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        camera_identities("demo", [site])
