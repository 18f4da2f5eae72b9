"""The batch size follows what batches cost on this device, not a constant."""

from hypothesis import given
from hypothesis import strategies as st

from worker.batching.batch_cost import BatchCostModel


def cost_model(max_size: int, costs: dict[int, float]) -> BatchCostModel:
    model = BatchCostModel(max_size)
    for size, seconds in costs.items():
        model.observe(size, seconds)
    return model


def test_device_that_works_in_blocks_gets_full_blocks() -> None:
    """The device computes blocks of sixteen, so of seventeen images one waits."""
    blocks = cost_model(32, {1: 1.0, 2: 1.0, 4: 1.0, 8: 1.0, 16: 1.0, 17: 2.0, 32: 2.0})
    assert blocks.choose_size(17) == 16
    assert blocks.choose_size(16) == 16
    assert blocks.choose_size(32) == 16, "two batches of sixteen answer sooner than one of thirty-two"
    assert blocks.choose_size(5) == 5


def test_device_that_gains_by_size_gets_the_largest_batch() -> None:
    gpu = cost_model(32, {1: 1.0, 2: 1.05, 4: 1.1, 8: 1.2, 16: 1.4, 32: 1.8})
    assert gpu.choose_size(100) == 32
    assert gpu.choose_size(20) == 20


def test_device_that_gains_nothing_by_size_gets_single_images() -> None:
    flat = cost_model(32, {1: 1.0, 2: 2.0, 4: 4.0, 8: 8.0, 16: 16.0, 32: 32.0})
    assert flat.choose_size(32) == 1


def test_set_max_size_limits_batches_while_running() -> None:
    """An operator frees memory on a device that is shared for a while."""
    gpu = cost_model(32, {1: 1.0, 2: 1.05, 4: 1.1, 8: 1.2, 16: 1.4, 32: 1.8})
    gpu.set_max_size(8)
    assert gpu.choose_size(100) == 8
    gpu.set_max_size(32)
    assert gpu.choose_size(100) == 32


def test_low_latency_accepts_a_smaller_batch_that_costs_a_little_more() -> None:
    """An interactive image may have to wait for the batch."""
    cpu = cost_model(32, {1: 1.6, 2: 2.6, 4: 4.6, 8: 8.8, 16: 16.8, 32: 32.0})
    assert cpu.choose_size(32) == 16
    assert cpu.choose_size(32, low_latency=True) == 4


def test_estimate_follows_a_lasting_change() -> None:
    learning = cost_model(4, {1: 1.0, 2: 1.2, 4: 1.4})
    assert learning.choose_size(4) == 4
    for _ in range(30):
        learning.observe(4, 40.0)
    assert learning.choose_size(4) == 2


def test_size_that_was_slow_once_is_measured_again() -> None:
    """Another process disturbed the warm-up of one size."""
    truth = {1: 1.0, 2: 1.1, 4: 1.2, 8: 1.4}
    disturbed = cost_model(8, truth | {8: 40.0})
    assert disturbed.choose_size(8) == 4
    for _ in range(1000):
        size = disturbed.choose_size(8)
        disturbed.observe(size, truth[size])
    chosen = []
    for _ in range(100):
        chosen.append(disturbed.choose_size(8))
        disturbed.observe(chosen[-1], truth[chosen[-1]])
    assert chosen.count(8) > 90


@given(
    waiting=st.integers(1, 200),
    max_size=st.integers(1, 64),
    costs=st.dictionaries(st.integers(1, 64), st.floats(0.001, 10), min_size=1),
    low_latency=st.booleans(),
)
def test_batch_is_never_empty_nor_larger_than_the_queue(
    waiting: int, max_size: int, costs: dict[int, float], low_latency: bool
) -> None:
    assert 1 <= cost_model(max_size, costs).choose_size(waiting, low_latency=low_latency) <= min(waiting, max_size)
