"""The files of PoseTrack 2017, 2018 and PoseTrack21 and COCO results, read and written."""

from steadypose.benchmarks.posetrack.formats.read import clip_files, read_clips, read_results
from steadypose.benchmarks.posetrack.formats.write import FORMATS, write_clip

__all__ = ["FORMATS", "clip_files", "read_clips", "read_results", "write_clip"]
