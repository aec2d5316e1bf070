"""Where frames come from: video files and folders of pictures."""

from steadypose.stream.sources.decoding import DecoderOptions, decoder_options
from steadypose.stream.sources.images import ImageSource
from steadypose.stream.sources.open import expand_sources, is_live, open_source
from steadypose.stream.sources.video import VideoSource

__all__ = [
    "DecoderOptions",
    "ImageSource",
    "VideoSource",
    "decoder_options",
    "expand_sources",
    "is_live",
    "open_source",
]
