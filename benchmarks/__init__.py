"""Measurements: accuracy, speed."""
