"""One stream: its encoder and its pushers, and the drills on them."""
