"""onnxruntime alone: text in, text out, in one call. Needs `pip install onnxruntime`."""

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("models/nextword.text.onnx")
prompt = {"prompt": np.array(["long ago ,"], object)}
knobs = {"max_words": np.array(12), "top_k": np.array(5), "seed": np.array(7)}
floats = {"temperature": np.array(1, np.float32), "top_p": np.array(1, np.float32)}
text, unknown = session.run(["text", "unknown"], prompt | knobs | floats)
print(text[0] if not len(unknown) else f"not in the dictionary: {unknown}")
