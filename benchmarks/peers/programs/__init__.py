"""Scripts that run in the environments of the peers; nothing of Steadypose imports them."""
