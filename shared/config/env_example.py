"""Writes `.env.example` from the settings: `python -m shared.config.env_example > .env.example`."""

import textwrap

from pydantic import SecretStr

from shared.config.settings import Settings

_HEAD = (
    "# Every setting with its default. Copy to .env and change what you need; environment variables take precedence.\n"
    "# A secret may be in a file that a variable names: REDIS_URL_FILE, MELANOMA_BOT_TOKEN_FILE, ..."
)
_WIDTH = 110


def render_env_example() -> str:
    """Render the text of `.env.example`."""
    parts = [_HEAD]
    for name, field in Settings.model_fields.items():
        variable = "REDIS_URL" if name == "redis_url" else f"MELANOMA_{name.upper()}"
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        comment = textwrap.fill(field.description or "", _WIDTH, initial_indent="# ", subsequent_indent="# ")
        parts.append(f"{comment}\n#{variable}={'' if default is None else default}")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    print(render_env_example(), end="")
