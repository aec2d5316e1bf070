"""Frames/s and memory of the whole ``track`` command."""
