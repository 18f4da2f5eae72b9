"""The alert on score drift, evaluated by promtool."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from shared.model.artefact import read_artefact
from tests.deploy.deployment import ROOT

_RULES: Final = [str(ROOT / f"deploy/prometheus/{name}.yml") for name in ("scores", "alerts")]

#: A bin's counter at each scrape: an hour at 0, then two hours at its final count.
_VALUES: Final = "0x12 {0}x24"

_ALERTS: Final = 'ALERTS{alertname="ScoresDrift",alertstate="firing"}'

Lesions = dict[str, float]


@pytest.fixture(scope="module")
def promtool() -> str:
    executable = shutil.which("promtool")
    if executable is None:
        pytest.skip("promtool is missing (Debian's package prometheus)")
    return executable


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
    promtool: str,
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
                        "exp_samples": [{"labels": '{population="phone"}', "value": 1}] if is_firing else [],
                    }
                ],
            }
        ],
    }
    file = tmp_path / "case.yml"
    file.write_text(yaml.safe_dump(case))
    result = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


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
