"""The Celery side of the worker: the consumer, the task, and the limits on concurrent messages and images."""
