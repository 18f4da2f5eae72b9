"""Every knob of the service. Read from the environment and from `.env`; `.env.example` shows them all."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.config.secret_files import SecretFileError, SecretFiles


class SettingsError(Exception):
    """Raised when a setting has no valid value. The message names it in one sentence."""


class Settings(BaseSettings):
    """Settings of all rooms. Times in seconds, sizes in bytes unless the name says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="MELANOMA_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        validation_alias=AliasChoices("REDIS_URL", "MELANOMA_REDIS_URL"),
        description="Redis or Valkey that holds the ledger and Celery's queues.",
    )
    image_store_url: SecretStr | None = Field(
        default=None, description="Redis that holds the pictures; the ledger's where not set."
    )
    image_store_max_bytes: int = Field(
        default=512 * 2**20, ge=2**20, description="Most bytes of pictures in the store at once."
    )
    image_ttl_s: float = Field(
        default=48 * 3600, gt=0, description="A picture is forgotten after this; longer than any deadline."
    )
    interactive_deadline_s: float = Field(
        default=900, gt=0, description="A person is told that it could not be done after this."
    )
    bulk_deadline_s: float = Field(default=24 * 3600, gt=0, description="The same for a folder's pictures.")

    lease_s: float = Field(default=5, ge=1, description="A process that was silent for this long is dead.")
    dispatch_grace_s: float = Field(
        default=3, ge=0.5, description="A message counts as lost no sooner than this after it was sent."
    )
    sweep_limit: int = Field(default=1000, ge=1, description="Most jobs of each kind that one sweep moves.")
    max_attempts: int = Field(
        default=10,
        ge=1,
        description="A job that was claimed more often, since its workers died, becomes a dead letter.",
    )

    artefact: Path = Field(default=Path("models/lite0"), description="Directory of the model that is served.")
    runtime: str = Field(
        default="auto", description="Model runtime of a worker by name; auto: the first that can run the artefact."
    )
    device: str = Field(
        default="",
        pattern=r"^((CPU|GPU):\d+)?$",
        description="Device that a worker predicts on, such as GPU:1; the first GPU, or else the CPU, where not set.",
    )
    max_batch_size: int = Field(default=32, ge=1, le=1024, description="Most pictures in one forward pass.")
    decode_slots: int = Field(
        default=0, ge=0, le=256, description="Pictures decoded at once by a worker; 0: as many as cores."
    )
    task_slots: int = Field(
        default=64, ge=2, le=1024, description="Messages that a worker holds at once; two batches or more."
    )
    max_bulk_in_flight: int = Field(
        default=96, ge=1, description="Bulk pictures in a worker's memory at once; three batches or more."
    )
    decode_timeout_s: float = Field(
        default=20, gt=0, description="A decode that takes longer hangs: the worker restarts itself."
    )
    decode_max_memory: int = Field(
        default=2 * 2**30, ge=2**28, description="Address space of the child that decodes suspect pictures."
    )
    metrics_host: str = Field(default="127.0.0.1", description="Where a worker's /metrics listens.")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="Port of /metrics; 0: none.")

    flower_address: str = Field(default="127.0.0.1", description="Where Flower listens.")
    flower_port: int = Field(default=5555, ge=1, le=65535, description="Port of Flower.")
    flower_login: SecretStr | None = Field(
        default=None, description="user:password for Flower; needed to listen outside loopback."
    )

    bot_token: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("BOT_TOKEN", "MELANOMA_BOT_TOKEN"),
        description="Token of the Telegram bot, from @BotFather.",
    )
    telegram_api_url: str = Field(
        default="https://api.telegram.org", description="Where the Bot API answers; a simulator's address to try it."
    )
    webhook_url: str | None = Field(
        default=None, description="Public address that Telegram sends updates to; without it the bot asks for them."
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="What Telegram shows with each update; derived from the token where not set."
    )
    bot_host: str = Field(
        default="127.0.0.1", description="Where the bot's /live, /ready, /metrics and webhook listen."
    )
    bot_port: int = Field(default=0, ge=0, le=65535, description="Port of those; 0: none. A webhook needs one.")
    admins: str = Field(default="", description="Telegram ids of those who may ask for /stats, comma-separated.")
    telegram_per_s: float = Field(default=29, gt=0, description="Messages a second to all chats; Telegram allows 30.")
    telegram_chat_per_s: float = Field(default=1, gt=0, description="Messages a second to one chat.")
    telegram_group_per_minute: float = Field(default=19, gt=0, description="Messages a minute to a group; of 20.")
    telegram_max_attempts: int = Field(
        default=12, ge=1, description="An answer that fails more often is a dead letter."
    )
    user_burst: int = Field(default=20, ge=1, description="Photographs that a person may send at once.")
    user_per_minute: float = Field(default=10, gt=0, description="Photographs a minute after that.")
    user_per_day: int = Field(default=200, ge=1, description="Photographs a day.")
    max_expected_wait_s: float = Field(
        default=300, gt=0, description="From this expected wait on new photographs are told to come back later."
    )
    answer_retention_s: float = Field(
        default=7 * 24 * 3600, ge=60, description="The record of an answer, for its buttons; never the picture."
    )

    log_format: Literal["auto", "text", "json"] = Field(
        default="auto", description="Log lines for people or as JSON; auto: people on a terminal."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level.")

    liveness_file: Path | None = Field(
        default=None, description="File that a worker touches each second while it makes progress, for health checks."
    )
    flower_db: Path | None = Field(
        default=None, description="File in which Flower keeps what it saw over restarts; without it, nowhere."
    )

    @property
    def ledger_url(self) -> str:
        """URL of the ledger's Redis, with its password: not for show."""
        return self.redis_url.get_secret_value()

    @property
    def store_url(self) -> str:
        """URL of the pictures' Redis, with its password: not for show."""
        return (self.image_store_url or self.redis_url).get_secret_value()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic names it
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes first, then files of secrets, then `.env`."""
        return init_settings, env_settings, SecretFiles(settings_cls), dotenv_settings


@cache
def settings() -> Settings:
    """The settings of this process, read once. Raises `SettingsError`."""
    try:
        return Settings()
    except SecretFileError as error:
        raise SettingsError(f"setting {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]).upper()
        variable = name if name.startswith(("REDIS_URL", "MELANOMA_")) else f"MELANOMA_{name}"
        raise SettingsError(f"setting {variable}: {first['msg']}; .env.example describes it.") from None
