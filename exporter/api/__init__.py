"""The REST part of the face: what the answers look like, who may ask, and the pages that explain it."""
