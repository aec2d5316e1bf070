"""Many videos: planned, shared out over processes or a cluster, resumed, and told of at the end."""
