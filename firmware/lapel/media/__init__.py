"""From the video source to the file: capture, encode, buffer what came before the press, record."""

import os

# OpenCV reads these when it is imported, which only modules of this package do. A V4L2 read would wait 10 s otherwise,
# and OpenCV would write on the user's terminal.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
