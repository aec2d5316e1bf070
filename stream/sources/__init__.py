"""Where frames come from: video files, folders of pictures, cameras and network streams."""

from steadypose.stream.sources.addresses import is_live, masked
from steadypose.stream.sources.camera_lists import Camera, is_camera_list, read_cameras
from steadypose.stream.sources.decoding import DecoderOptions, decoder_options
from steadypose.stream.sources.images import ImageSource
from steadypose.stream.sources.live import LiveSource
from steadypose.stream.sources.live_status import LiveSnapshot, LiveState, LiveStatus, live_snapshot
from steadypose.stream.sources.open import expand_sources, open_source
from steadypose.stream.sources.video import VideoSource

__all__ = [
    "Camera",
    "DecoderOptions",
    "ImageSource",
    "LiveSnapshot",
    "LiveSource",
    "LiveState",
    "LiveStatus",
    "VideoSource",
    "decoder_options",
    "expand_sources",
    "is_camera_list",
    "is_live",
    "live_snapshot",
    "masked",
    "open_source",
    "read_cameras",
]
