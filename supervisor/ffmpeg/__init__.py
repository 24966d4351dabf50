"""FFmpeg: its command lines, its progress reports, its last words. Pure, but for binary.py."""
