"""Several worker processes as one service, and a word about processes that the kernel killed."""
