"""FFmpeg: its command lines, its progress reports, what its last words mean. Pure."""
