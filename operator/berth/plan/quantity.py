"""Quantities as the API server prints them, so that what is planned compares equal to what is stored."""

from fractions import Fraction

UNITS_PER_VCPU = 1024
STEP = 1024
MILLI = 1000
BINARY = ("Mi", "Gi", "Ti", "Pi")


def cpu(units: int) -> str:
    """CPU units (1024 to a vCPU) as millicores, rounded up: 256 is 250m, 1024 is 1."""
    return millicores(millis(units))


def millis(units: int) -> int:
    """CPU units in millicores, rounded up."""
    return -(-units * MILLI // UNITS_PER_VCPU)


def millicores(amount: int) -> str:
    return str(amount // MILLI) if amount % MILLI == 0 else f"{amount}m"


def memory(mebibytes: int) -> str:
    """MiB with the largest suffix that keeps it whole: 512 is 512Mi, 2048 is 2Gi."""
    suffix = 0
    while mebibytes and mebibytes % STEP == 0 and suffix < len(BINARY) - 1:
        mebibytes //= STEP
        suffix += 1
    return f"{mebibytes}{BINARY[suffix]}"


SUFFIXES = {
    **{name: Fraction(1000) ** power for power, name in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P"), -3)},
    **{name: Fraction(STEP) ** power for power, name in enumerate(("Ki", *BINARY), 1)},
}


def amount(written: object) -> Fraction:
    """A quantity as a number: 250m is a quarter. What is none counts as nothing: the API server lets none in."""
    text = str(written)
    digits = text.rstrip("".join({letter for suffix in SUFFIXES for letter in suffix}))
    try:
        return Fraction(digits) * SUFFIXES[text[len(digits) :]]
    except (ValueError, KeyError, ZeroDivisionError):
        return Fraction()
