"""Says a scene in English or French, and reads such a sentence back."""
