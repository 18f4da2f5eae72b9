"""The Celery side of the worker: the consumer, the task, and what limits how many messages run at once."""
