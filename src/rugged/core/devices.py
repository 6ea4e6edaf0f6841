"""The names of devices and precisions, as options, recipes and arguments spell them."""

from typing import Literal

Device = Literal["auto", "cpu", "cuda"]  # Apple's GPUs have no float64, which the corruptions compute in.
Precision = Literal["auto", "fp32", "bf16", "fp16"]
