"""The one way in which images are brought to a size: `fit`."""

import numpy as np

Shape = tuple[int, int, int]  # height, width, channels

# What `fit` does. Whoever changes that changes this, so that no run begun with
# other pixels goes on.
RESIZER = "largest centred part, bilinear"


def fit(image: np.ndarray, shape: Shape) -> np.ndarray:
    """The one resizer: the largest centred part of an image, `[H, W, C]`,
    uint8, of the shape's proportions, scaled; the image itself where that is
    its shape."""
    if image.shape == shape:
        return image
    from PIL import Image, ImageOps

    height, width, channels = shape
    # Pillow knows images of 1 and 3 channels; any number is so many of 1.
    whole = channels == 3
    pictures = [image] if whole else np.moveaxis(image, -1, 0)
    fitted = [
        np.asarray(
            ImageOps.fit(
                Image.fromarray(picture),
                (width, height),
                Image.Resampling.BILINEAR,
            )
        )
        for picture in pictures
    ]
    return fitted[0] if whole else np.stack(fitted, axis=-1)
