"""The Telegram bot: takes photos, queues them as jobs, and sends the answers. It loads no model."""

from bot.telegram.deferred_types import import_aiogram

# Before any module of the bot imports aiogram.
import_aiogram()
