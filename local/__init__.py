"""Runs the whole service on one machine: an embedded Valkey, workers, Flower, the bot and a simulator of Telegram."""
