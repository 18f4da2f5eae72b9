"""How many examples Hypothesis tries, where it keeps those that failed, and whether the next run tries others.

No profile has a deadline or checks how fast examples are made: on a busy machine, both fail without a fault.
"""

import os
from typing import Final

from hypothesis import HealthCheck, settings

#: How many times the examples of a laptop each profile tries.
_FACTORS: Final = {"laptop": 1.0, "ci": 5.0, "mutants": 0.25}

_ACTIVE: Final = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "laptop")


def examples(laptop: int) -> int:
    """Number of examples in the active profile, for a test that tries `laptop` of them on a laptop."""
    return max(5, round(laptop * _FACTORS[_ACTIVE]))


def load_profile() -> None:
    """Register the profiles, and make the one that HYPOTHESIS_PROFILE names the default.

    A laptop tries other examples each time, and tries those that failed again first: Hypothesis keeps them in
    `.hypothesis`. CI tries more, but the same ones for the same code: an example that nobody tried before does not fail
    a change that has nothing to do with it. A mutant needs few, and failures of a mutant are not kept.
    """
    common = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
    settings.register_profile("laptop", common)
    settings.register_profile("ci", common, max_examples=examples(100), derandomize=True, database=None)
    settings.register_profile("mutants", common, max_examples=examples(100), derandomize=True, database=None)
    settings.load_profile(_ACTIVE)
