"""Identity under noise: one set of noisy observations, tracked by Steadypose and by its peers."""
