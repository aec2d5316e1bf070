"""PoseTrack: formats, metrics that agree with the official tools, and the benchmark itself."""
