"""Which inputs a cell projects: `Projection`.

Keras is not imported here.
"""

from typing import Literal

Projection = Literal["needed", "all", "twice"]
