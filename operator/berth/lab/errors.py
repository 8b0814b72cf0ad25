"""The one exception that the lab raises on purpose."""


class LabError(Exception):
    """The lab could not do what was asked; the message says why, for a person."""
