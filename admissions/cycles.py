"""Find a cycle by its code, for commands and pages."""

from admissions.models.cycles import AdmissionCycle
from enigma.errors import Malformed


def cycle_named(code: str) -> AdmissionCycle:
    """Return the cycle; raise Malformed with the codes there are when there is none of this name."""
    cycle = AdmissionCycle.objects.filter(code=code).first()
    if cycle is None:
        codes = ", ".join(AdmissionCycle.objects.values_list("code", flat=True)[:20]) or "none yet"
        raise Malformed(f"There is no cycle {code!r}. There are: {codes}.")
    return cycle
