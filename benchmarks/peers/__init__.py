"""Steadypose beside what a user would take instead; peers are run as programs, never imported."""
