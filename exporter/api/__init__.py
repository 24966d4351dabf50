"""The REST API: what its answers look like, who may ask, and the page that documents it."""
