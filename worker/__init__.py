"""The inference side: claim, decode, batch, predict, decide. Celery brings the messages, TensorFlow predicts."""
