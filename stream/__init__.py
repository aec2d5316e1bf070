"""Sources, channels, stages, the pipeline, sinks and the command line."""
