"""Measures what the model does: probes trained on real clips, trackers, onsets. Nothing here is tuned on its output."""
