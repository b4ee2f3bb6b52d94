"""An accuracy as people read it, with its error: `accuracy_text`,
`standard_error`.

Neither Keras nor TensorFlow is imported here.
"""

import math


def standard_error(accuracy: float, images: float) -> float:
    """Of an accuracy that was measured on so many images (binomial), as if
    one more image was right, and one wrong: none right is not sure to be 0.

    Example:

    >>> round(standard_error(0.5, 100), 3)
    0.05
    >>> round(standard_error(0.0, 1), 2)
    0.47
    """
    share = (accuracy * images + 1) / (images + 2)
    return math.sqrt(share * (1 - share) / images)


def accuracy_text(accuracy: float, images: float) -> str:
    """An accuracy with its standard error, to the digits that it has; without
    one where it is not known on how many images it was measured.

    Args:
        accuracy: The accuracy, 0 to 1.
        images: On how many images it was measured, 0 if not known.

    Example:

    >>> accuracy_text(0.8333, 24)
    '0.83 ± 0.08'
    >>> accuracy_text(0.8333, 0)
    '0.8333'
    """
    if not images:
        return f"{accuracy:.4f}"
    error = standard_error(accuracy, images)
    digits = min(max(-math.floor(math.log10(error)), 2), 4)
    return f"{accuracy:.{digits}f} ± {error:.{digits}f}"
