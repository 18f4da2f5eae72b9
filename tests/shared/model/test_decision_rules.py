"""Kind, population, band and bin, at the edges and with several populations."""

from itertools import pairwise

import numpy as np
import pytest

from shared.contract.decision import Band
from shared.model.artefact import Bands, Kinds, Manifest, Population, ReliabilityBin
from shared.model.decision_rules import find_bin, find_population, select_band, select_kind
from tests.worker.serving.test_postprocessing import MANIFEST


def make_population(name: str, *, low_below: float, high_from: float, max_distance: float = 10) -> Population:
    measured = {"low_sensitivity": 0.9, "low_specificity": 0.5, "high_sensitivity": 0.5, "high_specificity": 0.9}
    return Population(
        name=name,
        temperature=1,
        max_distance=max_distance,
        bands=Bands(low_below=low_below, high_from=high_from, **measured),
        reliability=(ReliabilityBin(start=0, stop=1, lesions=1, malignant=0),),
    )


DERMATOSCOPE = make_population("dermatoscope", low_below=0.1, high_from=0.3, max_distance=2)
PHONE = make_population("phone", low_below=0.25, high_from=0.75, max_distance=5)

BOTH = MANIFEST.model_copy(
    update={
        "populations": (DERMATOSCOPE, PHONE),
        "kinds": Kinds(names=("no_lesion", "dermatoscope", "phone"), no_lesion="no_lesion", refuse_from=0.6),
    }
)


def band(probability: float, population: Population | None, manifest: Manifest = BOTH) -> Band:
    return select_band(probability, population, manifest)


def kind(*shares: float, manifest: Manifest = BOTH) -> str | None:
    return select_kind(np.array(shares), manifest)


def test_probability_at_a_threshold_is_in_the_upper_band() -> None:
    below = np.nextafter(0.25, 0), np.nextafter(0.75, 0)
    assert [band(value, PHONE) for value in (below[0], 0.25, below[1], 0.75)] == [
        Band.LOW,
        Band.ELEVATED,
        Band.ELEVATED,
        Band.HIGH,
    ]
    assert (band(0, PHONE), band(1, PHONE)) == (Band.LOW, Band.HIGH)


def test_band_is_empty_where_both_thresholds_are_equal() -> None:
    only = make_population("only", low_below=0.5, high_from=0.5)
    assert [band(value, only) for value in (0.499, 0.5)] == [Band.LOW, Band.HIGH]


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (0.05, (Band.LOW, Band.LOW)),
        (0.2, (Band.ELEVATED, Band.LOW)),
        (0.4, (Band.HIGH, Band.ELEVATED)),
        (0.8, (Band.HIGH, Band.HIGH)),
    ],
)
def test_each_population_has_its_own_thresholds(probability: float, expected: tuple[Band, Band]) -> None:
    assert (band(probability, DERMATOSCOPE), band(probability, PHONE)) == expected


def test_unmeasured_image_is_high_only_if_every_population_would_call_it_high() -> None:
    values = (0, 0.05, 0.2, 0.5, np.nextafter(0.75, 0), 0.75, 1)
    assert [band(value, None) for value in values] == [Band.UNCERTAIN] * 5 + [Band.HIGH] * 2


def test_kind_is_the_likeliest_lesion_even_if_no_lesion_is_likelier() -> None:
    assert kind(0.55, 0.15, 0.3) == "phone"
    assert kind(0.55, 0.3, 0.15) == "dermatoscope"


def test_image_is_refused_from_the_threshold_on() -> None:
    assert kind(0.6, 0.3, 0.1) is None
    assert kind(float(np.nextafter(0.6, 0)), 0.3, 0.1) == "dermatoscope"
    refuses_nothing = BOTH.model_copy(update={"kinds": BOTH.kinds.model_copy(update={"refuse_from": None})})
    assert kind(1, 0, 0, manifest=refuses_nothing) == "dermatoscope"


def test_shares_are_read_in_the_order_of_the_names() -> None:
    for position, name in enumerate(("phone", "no_lesion", "dermatoscope")):
        names = ("phone", "no_lesion", "dermatoscope")
        manifest = BOTH.model_copy(update={"kinds": BOTH.kinds.model_copy(update={"names": names})})
        shares = [0.1, 0.1, 0.1]
        shares[position] = 0.8
        assert kind(*shares, manifest=manifest) == (None if name == "no_lesion" else name)


@pytest.mark.parametrize(
    ("name", "distance", "expected"),
    [
        ("dermatoscope", 2, DERMATOSCOPE),
        ("dermatoscope", 2.001, None),
        ("phone", 2.001, PHONE),
        ("phone", 5, PHONE),
        ("phone", 5.001, None),
        ("no_lesion", 0, None),
    ],
)
def test_population_has_the_name_of_the_kind_and_its_own_distance(
    name: str, distance: float, expected: Population | None
) -> None:
    assert find_population(name, distance, BOTH) == expected


@pytest.mark.parametrize(("probability", "expected"), [(0, 0), (0.199, 0), (0.2, 1), (0.5, 2), (0.999, 2), (1, 2)])
def test_bin_begins_at_its_start_and_the_last_one_includes_its_end(probability: float, expected: int) -> None:
    bins = tuple(
        ReliabilityBin(start=start, stop=stop, lesions=1, malignant=0) for start, stop in pairwise((0, 0.2, 0.5, 1))
    )
    assert find_bin(probability, bins) == expected
