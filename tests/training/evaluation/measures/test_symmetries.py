import numpy as np

from training.evaluation.measures.symmetries import iterate_symmetries


def test_eight_ways_to_look_at_a_picture_each_different_the_first_as_it_is() -> None:
    pixels = np.arange(2 * 3 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3, 3)
    ways = list(iterate_symmetries(pixels))
    assert len({way.tobytes() for way in ways}) == 8
    assert (ways[0] == pixels).all()
    for way in ways:
        assert (np.sort(way.reshape(2, 9, 3), axis=1) == np.sort(pixels.reshape(2, 9, 3), axis=1)).all()
