"""The families of models that can be rendered with; one self-contained file each."""
