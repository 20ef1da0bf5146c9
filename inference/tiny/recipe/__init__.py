"""From nothing to a folder of weights, stage by stage: ``stages`` is the table of contents."""
