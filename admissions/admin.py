"""What the console shows of admissions: each subject registers itself."""

from admissions.console import selections

__all__ = ["selections"]
