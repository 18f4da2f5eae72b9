"""The training loop: epochs, optimizer state, checkpoints, distillation."""
