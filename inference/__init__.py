"""The inference service: text to video with sound. Knows nothing of the web."""
