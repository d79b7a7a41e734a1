"""How the final scores of a cycle are spread: counts in bins of equal width, by one pass in the database."""

from django.db import connection

from admissions.models.cycles import AdmissionCycle
from admissions.selection import PARTS

LOW, HIGH = 0, 100
TOTAL = "total"
ALL = (TOTAL, *PARTS)

# width_bucket() counts from 1, and puts the highest score into a bin of its own: it belongs into the last.
_BIN = "least(width_bucket({column}, 0, 100, %(bins)s), %(bins)s)"
_ONE = f"""
    SELECT {_BIN}, count(*)
      FROM final_scores WHERE admission_cycle_id = %(cycle)s AND status = 'scored'
     GROUP BY 1
"""  # noqa: S608  names of columns
_EVERY = f"""
    SELECT {", ".join(f"{_BIN.format(column=column)} AS {column}_bin" for column in ALL)}, count(*)
      FROM final_scores WHERE admission_cycle_id = %(cycle)s AND status = 'scored'
     GROUP BY GROUPING SETS ({", ".join(f"({place})" for place in range(1, len(ALL) + 1))})
"""  # noqa: S608  names of columns


def score_histogram(cycle: AdmissionCycle, part: str = TOTAL, *, bins: int = 20) -> list[int]:
    """Count the final scores of a cycle in ``bins`` of equal width from 0 to 100, of the total or of one part.

    A score on the edge of two bins counts in the upper one, 100 in the last. Raises ValueError for an unknown part.
    """
    if part not in ALL:
        raise ValueError(part)
    counts = [0] * bins
    with connection.cursor() as cursor:
        cursor.execute(_ONE.format(column=part), {"cycle": cycle.pk, "bins": bins})
        for place, count in cursor.fetchall():
            counts[place - 1] = count
    return counts


def score_histograms(cycle: AdmissionCycle, *, bins: int = 20) -> dict[str, list[int]]:
    """Do the same for the total and every part at once."""
    counts = {column: [0] * bins for column in ALL}
    with connection.cursor() as cursor:
        cursor.execute(_EVERY, {"cycle": cycle.pk, "bins": bins})
        for *places, count in cursor.fetchall():
            # Of each row one bin is named; of a cycle without scores none is, in no row at all.
            for column, place in zip(ALL, places, strict=True):
                if place is not None:
                    counts[column][place - 1] = count
    return counts
