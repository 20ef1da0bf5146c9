"""The sound of what is seen, synthesised from the same truth that drew it."""
