"""Flower needs a login unless it listens on loopback, and its command line does not contain the login."""

import pytest
from pydantic import SecretStr

from local.flower import flower_command
from shared.config.settings import Settings, SettingsError


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_flower_on_loopback_needs_no_login(address: str) -> None:
    command, secrets = flower_command(Settings(flower_address=address))
    assert f"--address={address}" in command
    assert "FLOWER_BASIC_AUTH" not in secrets


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "example.org"])
def test_flower_on_another_address_needs_a_login(address: str) -> None:
    with pytest.raises(SettingsError, match="MELANOMA_FLOWER_LOGIN"):
        flower_command(Settings(flower_address=address))
    command, secrets = flower_command(Settings(flower_address=address, flower_login=SecretStr("user:secret")))
    assert secrets["FLOWER_BASIC_AUTH"] == "user:secret"
    assert not any("secret" in part for part in command)
