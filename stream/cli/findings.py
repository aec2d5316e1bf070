"""A line of ``steadypose doctor``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report.

    Attributes:
        subject: What was looked at.
        found: What it is like.
        state: ``"ok"``, ``"note"`` (works without it) or ``"bad"`` (tracking cannot run).
        remedy: What to do, where something is missing.
    """

    subject: str
    found: str
    state: str = "ok"
    remedy: str = ""
