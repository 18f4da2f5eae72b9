"""The training loop: epochs, optimiser state, checkpoints, distillation."""
