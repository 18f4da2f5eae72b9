"""Speed and answers of the runtimes, and the speed of training."""
