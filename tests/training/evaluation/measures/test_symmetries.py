import numpy as np

from training.evaluation.measures.symmetries import iterate_symmetries


def test_eight_symmetries_differ_and_the_first_is_the_image_itself() -> None:
    pixels = np.arange(2 * 3 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3, 3)
    variants = list(iterate_symmetries(pixels))
    assert len({variant.tobytes() for variant in variants}) == 8
    assert (variants[0] == pixels).all()
    for variant in variants:
        assert (np.sort(variant.reshape(2, 9, 3), axis=1) == np.sort(pixels.reshape(2, 9, 3), axis=1)).all()
