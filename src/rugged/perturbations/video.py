"""Sequences as MP4 files: small, playable anywhere that H.264 with full colour is, and near the frames."""

from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from rugged.core.errors import DataError, RuggedError
from rugged.core.hints import how_to_install

FRAMES_PER_SECOND = 10

# Colour at full resolution, and a quality at which noise is kept rather than smoothed away: sequences of real pictures
# come back with a PSNR of 40 dB or more. One thread, so that the bytes do not depend on the machine's cores.
PIXEL_FORMAT = "yuv444p"
OPTIONS = {"crf": "10", "preset": "medium", "tune": "grain", "threads": "1"}


def require_av() -> ModuleType:
    """Import PyAV, or say how to get it.

    Raises:
        RuggedError: It is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise RuggedError(
            f"MP4 files need PyAV, which is not installed. {how_to_install('video')}. Or write the frames as pictures: "
            "--format frames."
        ) from error
    return av


def write_video(path: Path, frames: NDArray[np.uint8]) -> None:
    """Write frames as H.264.

    Args:
        path: The file, replaced if it is there.
        frames: ``(F, H, W, 3)`` uint8, RGB.
    """
    av = require_av()
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=OPTIONS)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = PIXEL_FORMAT
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode(None))


def read_video(path: Path) -> NDArray[np.uint8]:
    """Read all frames of a video: ``(F, H, W, 3)`` uint8, RGB.

    Raises:
        DataError: The file is missing, damaged, or no video.
    """
    av = require_av()
    try:
        with av.open(path) as container:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise DataError(f"Cannot read {path} as a video ({error}). Write it again.") from error
