"""The Telegram bot: takes photos, queues them as jobs, and sends the answers. It loads no model."""
