"""The alert on score drift, evaluated by promtool."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from shared.model.artefact import read_artefact
from tests.deploy.deployment import ROOT
from tests.deploy.rule_tests import check_rules

#: A bin's counter at each scrape: an hour at 0, then two hours at its final count.
_VALUES: Final = "0x12 {0}x24"

_ALERTS: Final = 'ALERTS{alertname="ScoresDrift",alertstate="firing"}'

Lesions = dict[str, float]


@pytest.fixture(scope="module")
def held_out_shares() -> Lesions:
    """Share of held-out lesions in each bin of the shipped artefact's first population."""
    population = read_artefact(ROOT / "models/lite0").populations[0]
    lesions = sum(held_out.lesions for held_out in population.reliability)
    return {f"{index:02}": held_out.lesions / lesions for index, held_out in enumerate(population.reliability)}


def same_as_held_out(held_out_shares: Lesions, images: int) -> Lesions:
    return {bin_: round(share * images) for bin_, share in held_out_shares.items()}


def all_in_last_bin(held_out_shares: Lesions, images: int) -> Lesions:
    return {bin_: images * (bin_ == max(held_out_shares)) for bin_ in held_out_shares}


def slightly_shifted(held_out_shares: Lesions, images: int) -> Lesions:
    """A fifth more in one half of the bins, a fifth less in the other."""
    return {bin_: round(share * images * (0.8 if int(bin_) % 2 else 1.2)) for bin_, share in held_out_shares.items()}


@pytest.mark.parametrize(
    ("observed", "images", "is_firing"),
    [
        (same_as_held_out, 3000, False),
        (slightly_shifted, 3000, False),
        (all_in_last_bin, 3000, True),
        (all_in_last_bin, 200, False),
    ],
    ids=["like held-out lesions", "slightly shifted", "far apart", "far apart, but too few images"],
)
def test_score_drift_raises_an_alert(
    tmp_path: Path,
    held_out_shares: Lesions,
    observed: Callable[[Lesions, int], Lesions],
    images: int,
    is_firing: bool,
) -> None:
    half = {bin_: count / 2 for bin_, count in observed(held_out_shares, images).items()}
    series = [
        # Two workers share the phone images. The dermatoscope images do not drift.
        *scraped_series("one", "phone", held_out_shares, half),
        *scraped_series("two", "phone", held_out_shares, half),
        *scraped_series("one", "dermatoscope", held_out_shares, same_as_held_out(held_out_shares, 3000)),
    ]
    check_rules(tmp_path, [firing_test(series, "3h", is_firing=is_firing)], interval="5m")


def test_score_drift_is_remembered_while_no_worker_runs(tmp_path: Path, held_out_shares: Lesions) -> None:
    # Workers run for three hours. Then their metrics are gone for a day.
    series = scraped_series("one", "phone", held_out_shares, all_in_last_bin(held_out_shares, 3000))
    check_rules(tmp_path, [firing_test(series, "27h", is_firing=True)], interval="5m")


def firing_test(series: list[dict[str, Any]], at: str, *, is_firing: bool) -> dict[str, Any]:
    """A test of promtool: whether the alert fires for the phone images, and for no others, at a time."""
    expected = [{"labels": '{population="phone"}', "value": 1}] if is_firing else []
    query = {"expr": f"count by (population) ({_ALERTS})", "eval_time": at, "exp_samples": expected}
    return {"interval": "5m", "input_series": series, "promql_expr_test": [query]}


def scraped_series(instance: str, population: str, held_out_shares: Lesions, observed: Lesions) -> list[dict[str, Any]]:
    """The series that a worker exports for one population."""
    labels = [
        (bin_, f'{{instance="{instance}",artefact="one@1",population="{population}",bin="{bin_}"}}')
        for bin_ in held_out_shares
    ]
    counters = [
        {"series": f"melanoma_scores_total{label}", "values": _VALUES.format(observed[bin_])} for bin_, label in labels
    ]
    expected = [
        {"series": f"melanoma_scores_expected_ratio{label}", "values": f"{held_out_shares[bin_]}x36"}
        for bin_, label in labels
    ]
    return counters + expected
