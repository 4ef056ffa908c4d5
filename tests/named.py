"""The id of a parameter that is the same in every process: without the address of a function."""

import re


def named(value: object) -> str:
    """
    >>> named(len), named(3)
    ('<built-in function len>', '3')
    >>> named(lambda: 0)
    '<function <lambda>>'
    """
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))[:40]
