"""All settings of the service, read from the environment and `.env`. `.env.example` lists them."""

import difflib
from functools import cache
from pathlib import Path
from typing import Final, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from shared.config.secret_files import SecretFileError, SecretFiles

_PREFIX: Final = "MELANOMA_"
_ENV_FILE: Final = ".env"
#: Variables with our prefix that are read by the compose file and by tests.
_OTHER_VARIABLES: Final = ("PROXY_", "IMAGE_TAG", "MELANOMA_TEST_")

#: Similarity, by difflib, from which on an unknown name counts as a mistyped setting.
_SIMILARITY: Final = 0.85

_YEAR_S: Final = 365 * 24 * 3600.0


class SettingsError(Exception):
    """Raised when a setting has no valid value. The message names it in one sentence."""


class Settings(BaseSettings):
    """Settings of all packages. Times are in seconds and sizes in bytes unless the name says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=_ENV_FILE, extra="ignore", frozen=True, populate_by_name=True, allow_inf_nan=False
    )

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        validation_alias=AliasChoices("REDIS_URL", "MELANOMA_REDIS_URL"),
        description="Redis or Valkey that holds the ledger and Celery's queues.",
    )
    image_store_url: SecretStr | None = Field(
        default=None, description="Redis or Valkey that holds the images. Default: the one of the ledger."
    )
    image_store_max_bytes: int = Field(
        default=512 * 2**20, ge=2**20, le=2**40, description="Maximum bytes of images in the store at once."
    )
    image_ttl_s: float = Field(
        default=48 * 3600,
        ge=60,
        le=_YEAR_S,
        description="An image is deleted after this time. Must be longer than both deadlines.",
    )
    interactive_deadline_s: float = Field(
        default=900,
        ge=1,
        le=_YEAR_S,
        description="After this time without a decision a chat user is told that the image could not be classified.",
    )
    bulk_deadline_s: float = Field(
        default=24 * 3600,
        ge=1,
        le=_YEAR_S,
        description="After this time without a decision an image of a folder run fails.",
    )

    lease_s: float = Field(
        default=5, ge=1, le=3600, description="A process counts as dead after this time without a heartbeat."
    )
    dispatch_grace_s: float = Field(
        default=3,
        ge=0.5,
        le=3600,
        description="A Celery message counts as lost no sooner than this after it was published.",
    )
    sweep_limit: int = Field(
        default=1000, ge=1, le=10_000, description="Maximum number of jobs of each kind that one recovery sweep moves."
    )
    max_attempts: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Maximum number of attempts at a job whose workers die or fail. Then it becomes a dead letter.",
    )

    artefact: Path = Field(default=Path("models/lite0"), description="Directory of the model that is served.")
    runtime: str = Field(
        default="auto",
        description="Model runtime of a worker: openvino, jax or tensorflow; auto: the fastest that is installed and"
        " finds its device.",
    )
    device: str = Field(
        default="",
        pattern=r"^((CPU|GPU|TPU):\d+)?$",
        description="Device on which a worker predicts, such as GPU:1. Default: the first GPU or TPU, or else the CPU.",
    )
    processes: str = Field(
        default="1",
        pattern=r"^(auto|[1-9]\d?)$",
        description="Number of worker processes that `melanoma-worker` starts. They share the device and split the"
        " cores. auto: one for each four cores, as far as the memory suffices.",
    )
    precision: Literal["auto", "float32", "mixed"] = Field(
        default="auto",
        description="Precision in which a worker predicts; mixed: bfloat16 where it changes no answer and the CPU has"
        " it; auto: the faster of both.",
    )
    max_batch_size: int = Field(default=32, ge=1, le=1024, description="Maximum number of images in one forward pass.")
    decode_slots: int = Field(
        default=0, ge=0, le=256, description="Number of small images that a worker decodes at once; 0: one per core."
    )
    task_slots: int = Field(
        default=64,
        ge=2,
        le=1024,
        description="Number of Celery messages that a worker processes at once; use two batches or more.",
    )
    max_bulk_in_flight: int = Field(
        default=96,
        ge=1,
        le=100_000,
        description="Maximum number of bulk images in a worker's memory at once; use three batches or more.",
    )
    decode_timeout_s: float = Field(
        default=20,
        ge=0.1,
        le=3600,
        description="A decode that takes longer counts as hanging. In a child process, only its image fails; in a"
        " thread of the worker, the worker restarts.",
    )
    decode_max_memory: int = Field(
        default=2**30,
        ge=2**28,
        le=2**40,
        description="Maximum memory of all decodes in child processes at once, in bytes. An image that takes more than"
        " a 32nd of it is decoded there, once that much is free. An image that alone takes more than all is refused.",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address on which a worker serves /metrics.")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="Port of a worker's /metrics; 0: none.")

    flower_address: str = Field(default="127.0.0.1", description="Address on which Flower listens.")
    flower_port: int = Field(default=5555, ge=1, le=65535, description="Port of Flower.")
    flower_login: SecretStr | None = Field(
        default=None, description="user:password for Flower. Required to listen outside loopback."
    )

    bot_token: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("BOT_TOKEN", "MELANOMA_BOT_TOKEN"),
        description="Token of the Telegram bot, from @BotFather.",
    )
    telegram_api_url: str = Field(
        default="https://api.telegram.org",
        description="URL of the Bot API; the simulator's URL to try the bot without Telegram.",
    )
    webhook_url: str | None = Field(
        default=None, description="Public URL to which Telegram sends updates. Without it the bot polls for updates."
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="Secret that Telegram sends with each update. Default: derived from the token."
    )
    bot_host: str = Field(
        default="127.0.0.1", description="Address on which the bot serves /live, /ready, /metrics and the webhook."
    )
    bot_port: int = Field(
        default=0, ge=0, le=65535, description="Port of the bot's HTTP server; 0: none. A webhook needs one."
    )
    admins: str = Field(default="", description="Telegram ids of users who may use /stats, comma-separated.")
    telegram_per_s: float = Field(
        default=29,
        ge=0.01,
        le=1_000_000,
        description="Maximum messages per second to all chats together. Telegram allows 30.",
    )
    telegram_chat_per_s: float = Field(
        default=1, ge=0.01, le=1_000_000, description="Maximum messages per second to one chat."
    )
    telegram_group_per_minute: float = Field(
        default=19, ge=0.01, le=1_000_000, description="Maximum messages per minute to one group. Telegram allows 20."
    )
    telegram_max_attempts: int = Field(
        default=12,
        ge=1,
        le=1000,
        description="Maximum number of attempts to deliver an answer. After that many it becomes a dead letter.",
    )
    user_burst: int = Field(
        default=20, ge=1, le=10_000_000, description="Maximum number of photographs that a user may send at once."
    )
    user_per_minute: float = Field(
        default=10,
        ge=0.01,
        le=1_000_000,
        description="Maximum number of photographs that a user may send per minute after such a burst.",
    )
    user_per_day: int = Field(
        default=200, ge=1, le=10_000_000, description="Maximum number of photographs that a user may send per day."
    )
    max_expected_wait_s: float = Field(
        default=300,
        ge=1,
        le=_YEAR_S,
        description="If the expected wait is longer, the bot asks users to come back later.",
    )
    answer_retention_s: float = Field(
        default=7 * 24 * 3600,
        ge=60,
        le=_YEAR_S,
        description="The record of an answer is kept this long for its buttons. It never contains the image.",
    )

    log_format: Literal["auto", "text", "json"] = Field(
        default="auto", description="Format of log lines; auto: text on a terminal, else JSON."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Minimum level of log lines."
    )

    liveness_file: Path | None = Field(
        default=None, description="File that a worker touches each second while it makes progress, for health checks."
    )
    flower_db: Path | None = Field(
        default=None, description="File in which Flower keeps its state over restarts. Without it the state is lost."
    )

    @property
    def ledger_url(self) -> str:
        """URL of the ledger's Redis, with its password: never show it."""
        return self.redis_url.get_secret_value()

    @property
    def store_url(self) -> str:
        """URL of the images' Redis, with its password: never show it."""
        return (self.image_store_url or self.redis_url).get_secret_value()

    @property
    def store_setting(self) -> str:
        """Name of the setting that `store_url` comes from."""
        return "MELANOMA_IMAGE_STORE_URL" if self.image_store_url else "REDIS_URL"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic names it
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: environment, secret files, `.env`."""
        return init_settings, env_settings, SecretFiles(settings_cls), dotenv_settings


@cache
def settings() -> Settings:
    """Return the settings of this process, read once. Raises `SettingsError`."""
    try:
        return Settings()
    except SecretFileError as error:
        raise SettingsError(f"setting {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]).upper()
        variable = name if name.startswith(("REDIS_URL", _PREFIX)) else f"{_PREFIX}{name}"
        raise SettingsError(f"setting {variable}: {first['msg']}; .env.example describes it.") from None


def find_unknown_variables() -> dict[str, str]:
    """Return the variables of the environment and `.env` that look like settings and are none, with similar settings.

    Nothing reads such a variable, so it is probably mistyped. A similar setting is "" if there is none.
    """
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known}
    sources = EnvSettingsSource(Settings), DotEnvSettingsSource(Settings)
    names = {name.upper() for source in sources for name in source.env_vars}
    unknown = [name for name in names - known if name.startswith(_PREFIX) and not name.startswith(_OTHER_VARIABLES)]
    return {name: "".join(difflib.get_close_matches(name, known, n=1, cutoff=_SIMILARITY)) for name in sorted(unknown)}
