"""The library: continue, suggest, complete, rank. Needs `pip install .` and a model file."""

from nextword import Generator, Sampling

generator = Generator.load("models/nextword.onnx")
print(generator.generate("long ago ,", words=12))
print(generator.generate("long ago ,", words=12, sampling=Sampling(temperature=1.0, top_k=5, seed=7)))
print(generator.suggest("some", n=3))
print(generator.suggest("the old mo"))
print(max(["the old mouse the", "the cat ago the"], key=lambda text: generator.score(text).log_probability))
