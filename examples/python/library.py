"""The library: continue, draw, suggest, complete, rank. Needs `pip install .` and a model file."""

from nextword import Generator, Sampling

generator = Generator.load("models/nextword.onnx")
print(generator.generate("the cat .", words=12))
print(generator.generate("the cat .", words=12, sampling=Sampling(temperature=1.0, top_k=5, seed=7)))
print([word for word, probability in generator.suggest("some", n=3)])
print(generator.suggest("the old mo"))
print(max(["long ago , the", "the , long ago"], key=lambda text: generator.score(text).log_probability))
