"""Networks that NASNet was compared with, or that were compared with it, none
of them found by a search; a family a file."""

from typing import Any

# PyTorch's epsilon of batch norms and padding, which these come with.
TORCH: dict[str, Any] = {
    "kind": "multibranch",
    "batch_norm": (0.9, 1e-5),
    "conventions": {"strided_padding": "symmetric"},
}
