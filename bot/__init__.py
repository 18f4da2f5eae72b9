"""The Telegram side: takes photographs in, tells people their answers. It only queues; no model is loaded here."""
