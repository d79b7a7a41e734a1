"""Check digits that tell a document number or a book from any other number."""

_VERHOEFF_PRODUCT = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_VERHOEFF_PERMUTATION = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def luhn(digits: str) -> bool:
    """Say whether the last digit is right after Luhn (ISO/IEC 7812, payment cards)."""
    doubled = (int(digit) * 2 if index % 2 else int(digit) for index, digit in enumerate(reversed(digits)))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def verhoeff(digits: str) -> bool:
    """Say whether the last digit is right after Verhoeff (1969; Aadhaar numbers)."""
    check = 0
    for index, digit in enumerate(reversed(digits)):
        permuted = int(_VERHOEFF_PERMUTATION[index % 8][int(digit)])
        check = int(_VERHOEFF_PRODUCT[check][permuted])
    return check == 0


def isbn13(digits: str) -> bool:
    """Say whether these are the thirteen digits of a book (ISO 2108)."""
    if len(digits) != 13 or digits[:3] not in ("978", "979"):
        return False
    return sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits)) % 10 == 0
