"""A camera that is followed for hours holds no more memory than one that was for minutes."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Iterator

import pytest

from steadypose import Frame
from steadypose.configs import Config
from steadypose.stream.pipeline import Pipeline
