"""The same sums on every processor; imported before PyTorch, which picks its kernels by the processor.

Where a run explodes, or learns badly, a difference in the last bit grows into another picture.
"""

import os

os.environ.update(ATEN_CPU_CAPABILITY="default", MKL_CBWR="COMPATIBLE", ONEDNN_MAX_CPU_ISA="SSE41")
