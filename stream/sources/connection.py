"""One connection to a camera or a network stream: opened, followed and closed by one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import av
from av.codec.hwaccel import HWAccel

from steadypose.configs import LiveConfig
from steadypose.errors import InputError
from steadypose.stream.sources.addresses import Address
from steadypose.stream.sources.catching_up import CatchUp
from steadypose.stream.sources.decoding import apply_options, decoder_options, video_stream

if TYPE_CHECKING:
    from av.container.input import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_PLAYLIST_PATIENCE = 4.0
"""A playlist brings nothing for a whole segment, up to ten seconds."""
_FIRST_PICTURE_S = 10.0
"""Who joins between two key frames waits for the next one."""
_MAX_DAMAGE_IN_A_ROW = 500
_BARE_FORMATS = frozenset({"mpjpeg", "mjpeg", "h264", "hevc", "m4v", "ivf", "image2pipe"})
"""Formats whose time stamps FFmpeg makes up from a frame rate that it supposes."""


class ConnectionLost(Exception):  # noqa: N818 - the usual end of a connection
    """A connection that could not be made, or broke.

    Attributes:
        stalled: It stands, and nothing comes.
        hopeless: Trying again cannot help.
        refused: The user name or password is wrong, or access is denied.
    """

    def __init__(
        self, text: str, *, stalled: bool = False, hopeless: bool = False, refused: bool = False
    ) -> None:
        super().__init__(text)
        self.stalled, self.hopeless, self.refused = stalled, hopeless, refused


class Connection:
    """An open stream; ``pictures`` gives what is decoded until it ends or breaks.

    Args:
        address: Where it is.
        settings: Timeouts and options.
        device: Hardware device type that decodes, or ``""``.

    Raises:
        ConnectionLost: It cannot be opened.
    """

    def __init__(self, address: Address, settings: LiveConfig, device: str = "") -> None:
        self._settings = settings
        self._damage = 0
        self._catch_up, self._gap = CatchUp(), False
        self.device = device
        self.stall_s = settings.stall_s * (_PLAYLIST_PATIENCE if address.is_playlist else 1.0)
        self._container = _open(address, settings, self.stall_s, device)
        if "hls" in self._container.format.name and not address.is_playlist:
            self._container.close()
            self.stall_s = settings.stall_s * _PLAYLIST_PATIENCE
            self._container = _open(address, settings, self.stall_s, device)
        try:
            self._stream = self._video(address)
            threads = settings.threads or None
            apply_options(self._stream, decoder_options(live=True, threads=threads))
        except BaseException:
            self._container.close()
            raise
        self.codec: str = self._stream.codec_context.name
        self.format: str = self._container.format.name
        self.damaged: Callable[[], None] = lambda: None

    @property
    def decoder(self) -> str:
        """What decodes: the device, or ``"cpu"``; known once there is a picture."""
        return self.device if self.device and self._stream.codec_context.is_hwaccel else "cpu"

    @property
    def is_finite(self) -> bool:
        """True for a recording behind a URL, whose end is an end and no failure."""
        return bool(self._container.duration)

    @property
    def comes_in_bursts(self) -> bool:
        """True for playlists and recordings, which come faster than they are shown."""
        return "hls" in self.format or (
            self.is_finite and not self.format.startswith(("rtsp", "rtp", "sdp"))
        )

    def pictures(self) -> Iterator[VideoFrame]:
        """Pictures until the stream ends; damage is passed over and told to ``damaged``.

        Raises:
            ConnectionLost: It broke, stalled, or brings nothing that can be decoded.
        """
        started = last = time.monotonic()
        count = 0
        for packet, waited_s in self._packets():
            if self._is_too_old(packet, waited_s):
                last = time.monotonic()
                continue
            for picture in self._decode(packet):
                count, last, self._damage = count + 1, time.monotonic(), 0
                yield picture
                last = time.monotonic()
            limit = self.stall_s if count else max(_FIRST_PICTURE_S, self.stall_s)
            if time.monotonic() - (last if count else started) > limit:
                raise ConnectionLost(f"data but no picture for {limit:g} s", stalled=True)
        yield from self._decode(None)

    def pts_s(self, picture: VideoFrame) -> float | None:
        """The picture's own time in seconds; None where the stream has none of its own."""
        if picture.pts is None or self._stream.time_base is None or self.format in _BARE_FORMATS:
            return None
        return float(picture.pts * self._stream.time_base)

    def close(self) -> None:
        """Let go of it. Only for the thread that follows it."""
        self._container.close()

    def _video(self, address: Address) -> VideoStream:
        try:
            return video_stream(self._container, address.shown)
        except InputError as error:
            raise ConnectionLost(str(error).partition(": ")[2], hopeless=True) from None

    @property
    def skipped(self) -> int:
        """Packets passed over so far because decoding had fallen behind."""
        return self._catch_up.skipped

    def _is_too_old(self, packet: Packet[VideoStream], waited_s: float) -> bool:
        if self.comes_in_bursts:
            return False
        stamp = packet.dts if packet.dts is not None else packet.pts
        own = stamp is not None and self.format not in _BARE_FORMATS
        pts_s = float(stamp * packet.time_base) if stamp is not None and own else None
        skip = self._catch_up.skip(
            pts_s, key=packet.is_keyframe, waited_s=waited_s, now_s=time.monotonic()
        )
        if self._gap and not skip:
            self._stream.codec_context.flush_buffers()
        self._gap = skip
        return skip

    def _packets(self) -> Iterator[tuple[Packet[VideoStream], float]]:
        """Packets with data, and the seconds that each was waited for."""
        while True:
            began = time.monotonic()
            try:
                for packet in self._container.demux(self._stream):
                    # A read that timed out first gives out what the parser held back.
                    waited = time.monotonic() - began
                    if waited >= self.stall_s:
                        raise self._stalled()
                    if packet.size:
                        yield packet, waited
                    began = time.monotonic()
            except av.ExitError:
                raise self._stalled() from None
            except (av.InvalidDataError, ValueError):
                self._note_damage()
                continue
            except av.FFmpegError as error:
                waited = time.monotonic() - began
                raise ConnectionLost(reason(error), stalled=waited >= self.stall_s) from None
            return

    def _stalled(self) -> ConnectionLost:
        return ConnectionLost(f"no data for {self.stall_s:g} s", stalled=True)

    def _decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            pictures = self._stream.codec_context.decode(packet)
        except EOFError:
            return []
        except av.FFmpegError:
            self._note_damage()
            return []
        if (packet is not None and packet.is_corrupt) or any(
            picture.is_corrupt for picture in pictures
        ):
            self.damaged()
        return pictures

    def _note_damage(self) -> None:
        self.damaged()
        self._damage += 1
        if self._damage > _MAX_DAMAGE_IN_A_ROW:
            raise ConnectionLost("nothing that comes can be decoded")


def reason(error: av.FFmpegError) -> str:
    """Why FFmpeg failed, without the URL that its own text ends with."""
    return (error.strerror or type(error).__name__).rstrip(".")


def _open(address: Address, settings: LiveConfig, stall_s: float, device: str) -> InputContainer:
    began = time.monotonic()
    try:
        return av.open(
            address.url,
            "r",
            format=address.device or None,
            options=open_options(address, settings),
            timeout=(settings.open_s, stall_s),
            metadata_errors="replace",
            hwaccel=HWAccel(device) if device else None,
        )
    except av.FFmpegError as error:
        raise _not_opened(error, address, settings, time.monotonic() - began) from None
    except ValueError as error:
        raise ConnectionLost(f"cannot be opened: {error}", hopeless=True) from None


def _not_opened(
    error: av.FFmpegError, address: Address, settings: LiveConfig, waited_s: float
) -> ConnectionLost:
    if isinstance(error, (av.ProtocolNotFoundError, av.DemuxerNotFoundError)):
        what = address.device or address.scheme
        return ConnectionLost(f"this build of FFmpeg has no {what}", hopeless=True)
    if address.device and isinstance(error, (FileNotFoundError, PermissionError)):
        return ConnectionLost(reason(error), hopeless=True)
    if isinstance(error, (av.HTTPUnauthorizedError, av.HTTPForbiddenError)):
        text = "the user name or password is refused"
        return ConnectionLost(text, refused=True)
    if isinstance(error, av.ExitError) or waited_s >= min(settings.open_s, settings.stall_s):
        return ConnectionLost(f"no answer for {waited_s:.0f} s", stalled=True)
    if isinstance(error, av.InvalidDataError):
        return ConnectionLost("the answer is no video stream")
    return ConnectionLost(reason(error))


def open_options(address: Address, settings: LiveConfig) -> dict[str, str]:
    """What FFmpeg is told on opening.

    It looks no longer than half a second for what the first packets do not say: what it reads
    meanwhile is shown late. It does not throw those packets away, as ``nobuffer`` would: the first
    key frame is among them.
    """
    if address.device:
        return _camera_options(address.device, settings)
    options = {"analyzeduration": "500000", "probesize": "1000000", "fpsprobesize": "0"}
    if address.scheme in ("rtsp", "rtsps"):
        options["rtsp_transport"] = settings.transport
        options["allowed_media_types"] = "video"
    if address.is_playlist:
        options["live_start_index"] = "-1"
    return options


def _camera_options(device: str, settings: LiveConfig) -> dict[str, str]:
    options = {}
    if settings.camera_size:
        options["video_size"] = settings.camera_size
    if settings.camera_fps:
        options["framerate"] = f"{settings.camera_fps:g}"
    if settings.camera_format:
        name = {"v4l2": "input_format", "avfoundation": "pixel_format"}.get(device)
        options[name or ("vcodec" if settings.camera_format == "mjpeg" else "pixel_format")] = (
            settings.camera_format
        )
    return options
