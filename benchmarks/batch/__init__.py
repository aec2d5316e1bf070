"""Checks and measurements of ``steadypose batch`` on real videos."""
