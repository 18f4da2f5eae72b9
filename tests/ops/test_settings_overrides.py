"""`melanoma-ops limits` on a real ledger."""

import pytest
from pydantic import ValidationError

from ops.client import OpsError
from shared.config.overrides import OVERRIDABLE, OverrideError, parse_override
from shared.config.settings import Settings
from shared.ledger import admin
from shared.ledger.ledger import Ledger
from tests.ops.harness import run_ops


def test_overrides_are_set_shown_and_reset(ledger: Ledger) -> None:
    assert "until" in run_ops("limits", "set", "max_expected_wait_s", "120").stdout
    assert ledger.run(admin.sync_overrides()) == {"max_expected_wait_s": "120.0"}
    output = run_ops("limits").stdout
    assert ["max_expected_wait_s", "120.0", "limits"] in [line.split()[:3] for line in output.splitlines()]
    assert ["telegram_per_s", "29.0", "settings"] in [line.split()[:3] for line in output.splitlines()]
    assert "max_expected_wait_s" in run_ops("limits", "reset").stdout
    assert ledger.run(admin.sync_overrides()) == {}
    assert "Nothing" in run_ops("limits", "reset").stdout


def test_a_larger_batch_than_workers_have_warmed_is_no_promise(ledger: Ledger) -> None:
    assert "keeps to it" in run_ops("limits", "set", "max_batch_size", "64").stdout
    assert ledger.run(admin.sync_overrides()) == {"max_batch_size": "64"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("bot_token", "1", "there is no limit bot_token"),
        ("user_burst", "0", "user_burst cannot be 0"),
        ("user_burst", "-1", "user_burst cannot be -1"),
        ("telegram_per_s", "fast", "telegram_per_s cannot be fast"),
        ("telegram_per_s", "inf", "telegram_per_s cannot be inf: Input should be a finite number"),
        ("telegram_per_s", "nan", "telegram_per_s cannot be nan"),
        ("max_expected_wait_s", "1e20", "max_expected_wait_s cannot be 1e20"),
        ("user_per_day", "1" + "0" * 20, "user_per_day cannot be 10"),
    ],
)
def test_invalid_override_is_refused_and_changes_nothing(ledger: Ledger, name: str, value: str, message: str) -> None:
    with pytest.raises(OpsError, match=message):
        run_ops("limits", "set", name, value)
    assert ledger.run(admin.sync_overrides()) == {}


@pytest.mark.parametrize("name", OVERRIDABLE)
@pytest.mark.parametrize("value", ["inf", "-1", "0.5", "7", "1e9"])
def test_an_override_has_the_bounds_of_its_setting(name: str, value: str) -> None:
    def is_setting() -> bool:
        try:
            Settings.model_validate({name: value})
        except ValidationError:
            return False
        return True

    def is_override() -> bool:
        try:
            parse_override(name, value)
        except OverrideError:
            return False
        return True

    assert is_override() == is_setting()
