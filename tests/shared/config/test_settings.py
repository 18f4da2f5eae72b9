"""Settings are described, read from files and the environment, and reported in one sentence if invalid."""

from pathlib import Path

import pytest
from annotated_types import Ge, Le

from shared.config.env_example import render_env_example
from shared.config.settings import Settings, SettingsError, find_unknown_variables, settings
from shared.ledger.script_call import to_ms

EXAMPLE = Path(".env.example")


def test_env_example_shows_every_setting() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == render_env_example(), (
        "run: python -m shared.config.env_example > .env.example"
    )


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_an_invalid_value_is_reported_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.cache_clear()
    monkeypatch.setenv("MELANOMA_LEASE_S", "soon")
    with pytest.raises(SettingsError, match="MELANOMA_LEASE_S") as refused:
        settings()
    assert "\n" not in str(refused.value)


def test_repr_of_settings_hides_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://user:hunter2@host:6379/0")
    monkeypatch.setenv("MELANOMA_FLOWER_LOGIN", "admin:hunter2")
    assert "hunter2" not in repr(Settings())


def test_images_are_in_the_ledgers_redis_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://one:6379/0")
    assert Settings().store_url == "redis://one:6379/0"
    monkeypatch.setenv("MELANOMA_IMAGE_STORE_URL", "redis://two:6379/0")
    assert Settings().store_url == "redis://two:6379/0"


def test_secrets_are_read_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("REDIS_URL", "MELANOMA_IMAGE_STORE_URL"):
        monkeypatch.delenv(variable, raising=False)
        secret = tmp_path / variable
        secret.write_text(f"redis://:secret@{variable.lower()}:6379/0\n")
        monkeypatch.setenv(f"{variable}_FILE", str(secret))
    assert Settings().ledger_url == "redis://:secret@redis_url:6379/0"
    assert Settings().store_url == "redis://:secret@melanoma_image_store_url:6379/0"
    monkeypatch.setenv("REDIS_URL", "redis://environment:6379/0")
    assert Settings().ledger_url == "redis://environment:6379/0", "the environment goes first"


def test_a_missing_secret_file_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.cache_clear()
    monkeypatch.setenv("MELANOMA_FLOWER_LOGIN_FILE", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match=r"MELANOMA_FLOWER_LOGIN_FILE: .*none cannot be read"):
        settings()


NUMBERS = [name for name, field in Settings.model_fields.items() if field.annotation in {int, float}]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "-1", "1e-9", "1" + "0" * 30])
def test_every_number_is_finite_and_has_bounds(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    settings.cache_clear()
    monkeypatch.setenv(f"MELANOMA_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"MELANOMA_{name.upper()}"):
        settings()


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("bound", [Ge, Le])
def test_bounds_themselves_are_valid_values(name: str, bound: type[Ge | Le]) -> None:
    [limit] = [rule for rule in Settings.model_fields[name].metadata if isinstance(rule, bound)]
    value = limit.ge if isinstance(limit, Ge) else limit.le
    assert getattr(Settings.model_validate({name: value}), name) == value
    # As the scripts of the ledger take times, and as exactly as Lua counts.
    assert to_ms(float(str(value))) < 2**53


def test_a_mistyped_name_is_found_with_the_setting_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("MELANOMA_LEASE_S=6\nMELANOMA_TASK_SLOT=3\nOTHER=1\n")
    monkeypatch.setenv("MELANOMA_LESE_S", "5")
    monkeypatch.setenv("MELANOMA_REDIS_URL_FILE", "/run/secrets/ledger")
    monkeypatch.setenv("MELANOMA_ZZZ", "5")
    assert find_unknown_variables() == {
        "MELANOMA_LESE_S": "MELANOMA_LEASE_S",
        "MELANOMA_TASK_SLOT": "MELANOMA_TASK_SLOTS",
        "MELANOMA_ZZZ": "",
    }
