"""How numbers are written in reports."""


def significant(value: float) -> float:
    """`value` rounded to 6 significant digits, beyond which machines may differ."""
    return float(f"{value:.6g}")
