"""Settings: their typed schema and the presets."""
