"""The two ways in which rendering is refused: the model cannot be used, or one job cannot be done."""


class ModelError(Exception):
    """The model cannot be loaded. ``code`` is stable (``model.missing``); the message is for the operator."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class JobError(Exception):
    """One job cannot be rendered. ``retryable`` says whether another attempt can help."""

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
