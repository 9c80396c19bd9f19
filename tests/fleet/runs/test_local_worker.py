"""Who runs which cameras, where several processes share a run."""

import pytest

from lapel_fleet.broker.address import Address
from lapel_fleet.runs.local_worker import WorkerJob
from lapel_fleet.scenario.scenario import Scenario


@pytest.mark.parametrize("shard", [(0, 1), (1, 3)])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_crews_share_the_cameras_of_their_shard_and_no_others(shard: tuple[int, int], count: int) -> None:
    order = WorkerJob(
        scenario=Scenario(sites={"baltimore": 7, "buffalo": 4}), seed=7, agency="fleet", address=Address(url="mqtt://a"),
        began_s=0.0, connects_per_s=300.0, shard=shard,
    )  # fmt: skip
    shares = order.divided(count)
    assert sorted(name for share in shares for name in share.names) == sorted(order.names)
    assert sum(share.connects_per_s for share in shares) == pytest.approx(300.0)
