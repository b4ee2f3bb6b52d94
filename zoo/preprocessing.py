"""Images in, class names out: those of keras.applications.

`preprocess_input(x, data_format=None)` brings pixels from 0 to 255 to -1 to 1
(mode "tf"); `decode_predictions(preds, top=5)` names the ImageNet classes of
the largest probabilities; `CIFAR10_CLASSES` are the names of those of CIFAR-10.
"""

from keras.applications.nasnet import decode_predictions, preprocess_input

# The names of the classes of CIFAR-10, in the order of their numbers.
CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

__all__ = ["CIFAR10_CLASSES", "decode_predictions", "preprocess_input"]
