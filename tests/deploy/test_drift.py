"""Scores that part from the calibration data raise an alert, worked out by Prometheus' own rule tester."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from shared.model.artefact import read_artefact
from tests.deploy.places import ROOT

_RULES: Final = [str(ROOT / f"deploy/prometheus/{name}.yml") for name in ("scores", "alerts")]

#: Scrapes at which a bin's counter stands at 0, then at all of its pictures: an hour of silence, an hour of pictures.
_VALUES: Final = "0x12 {0}x24"

_ALERTS: Final = 'ALERTS{alertname="ScoresDrift",alertstate="firing"}'

Lesions = dict[str, float]


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("there is no promtool: apt-get install prometheus")
        pytest.skip("there is no promtool on this machine")
    return found


@pytest.fixture(scope="module")
def shares() -> Lesions:
    """Share of held-out lesions in each bin of the shipped artefact's first population."""
    population = read_artefact(ROOT / "models/lite0").populations[0]
    lesions = sum(held_out.lesions for held_out in population.reliability)
    return {f"{place:02}": held_out.lesions / lesions for place, held_out in enumerate(population.reliability)}


def like_held_out(shares: Lesions, images: int) -> Lesions:
    return {bin_: round(share * images) for bin_, share in shares.items()}


def all_in_the_last(shares: Lesions, images: int) -> Lesions:
    return {bin_: images * (bin_ == max(shares)) for bin_ in shares}


def a_little_apart(shares: Lesions, images: int) -> Lesions:
    """A fifth more in one half of the bins, a fifth less in the other."""
    return {bin_: round(share * images * (0.8 if int(bin_) % 2 else 1.2)) for bin_, share in shares.items()}


@pytest.mark.parametrize(
    ("given", "images", "alarms"),
    [
        (like_held_out, 3000, False),
        (a_little_apart, 3000, False),
        (all_in_the_last, 3000, True),
        (all_in_the_last, 200, False),
    ],
    ids=["like held-out lesions", "a little apart", "far apart", "far apart, but too few to tell"],
)
def test_scores_that_part_from_the_calibration_data_raise_an_alert(
    promtool: str,
    tmp_path: Path,
    shares: Lesions,
    given: Callable[[Lesions, int], Lesions],
    images: int,
    alarms: bool,
) -> None:
    half = {bin_: count / 2 for bin_, count in given(shares, images).items()}
    series = [
        # Two workers share the phone's pictures; those of the dermatoscope are as they were held out.
        *scraped("one", "phone", shares, half),
        *scraped("two", "phone", shares, half),
        *scraped("one", "dermatoscope", shares, like_held_out(shares, 3000)),
    ]
    case = {
        "rule_files": _RULES,
        "evaluation_interval": "5m",
        "tests": [
            {
                "interval": "5m",
                "input_series": series,
                "promql_expr_test": [
                    {
                        "expr": f"count by (population) ({_ALERTS})",
                        "eval_time": "3h",
                        "exp_samples": [{"labels": '{population="phone"}', "value": 1}] if alarms else [],
                    }
                ],
            }
        ],
    }
    file = tmp_path / "case.yml"
    file.write_text(yaml.safe_dump(case))
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def scraped(instance: str, population: str, shares: Lesions, given: Lesions) -> list[dict[str, Any]]:
    """What a worker shows of one population."""
    labels = [
        (bin_, f'{{instance="{instance}",artefact="one@1",population="{population}",bin="{bin_}"}}') for bin_ in shares
    ]
    counters = [
        {"series": f"melanoma_scores_total{label}", "values": _VALUES.format(given[bin_])} for bin_, label in labels
    ]
    expected = [
        {"series": f"melanoma_scores_expected_ratio{label}", "values": f"{shares[bin_]}x36"} for bin_, label in labels
    ]
    return counters + expected
