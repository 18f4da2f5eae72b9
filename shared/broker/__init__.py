"""The Celery side of the queue: the app, its Redis transport and the publisher of messages."""
