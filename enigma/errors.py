"""The refusals that every surface understands: a command exits with their code, the API answers with their sentence."""


class Refused(Exception):
    """A rule said no; ``str()`` is a sentence for a person, ``returncode`` a command's exit code."""

    returncode = 3


class Conflict(Refused):
    """Somebody else was faster, or holds what is needed."""

    returncode = 4


class Denied(Refused):
    """The actor may not do this."""


class Malformed(Refused):
    """The input cannot be read as what it should be."""

    returncode = 2
