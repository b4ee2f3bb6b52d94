"""Images in, class names out: those of keras.applications.

`preprocess_input(x, data_format=None)` brings pixels from 0 to 255 to -1 to 1
(mode "tf"); `decode_predictions(preds, top=5)` names the ImageNet classes of
the largest probabilities.
"""

from keras.applications.nasnet import decode_predictions, preprocess_input

__all__ = ["decode_predictions", "preprocess_input"]
