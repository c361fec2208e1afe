import numpy as np
import torch
from tiny import make_network

from nextword.evaluate.predictors import NetworkPredictor
from nextword.evaluate.samples import Sample, Whole
from nextword.evaluate.samples import sample as continue_prompts
from nextword.model.network import Network
from nextword.runtime import draw
from nextword.text.windows import Windows, windows


def sample(
    network: Network,
    text: Windows,
    samples: int,
    words: int,
    unknown: int | None = None,
    temperature: float = 0.0,
) -> list[Sample]:
    return continue_prompts(NetworkPredictor(network), Whole(unknown), text, samples, words, temperature)


def test_a_word_is_right_if_it_follows_its_context_in_the_text() -> None:
    text = windows(np.arange(12), 3)
    for seed in range(5):
        (found,) = sample(make_network(seed=seed), text, samples=1, words=6)
        assert found.prompt == [0, 1, 2]
        assert found.truth == [3, 4, 5, 6, 7, 8]
        written = found.prompt + found.continuation
        for place, right in enumerate(found.right):
            *context, word = written[place : place + 4]
            # In this text each word is always followed by the one with the next number.
            assert right == (context == [*range(word - 3, word)] and word >= 3)


def test_prompts_are_spread_over_the_text_and_leave_room_for_the_truth() -> None:
    samples = sample(make_network(), windows(np.arange(100) % 12, 3), samples=4, words=10)
    starts = [next(i for i in range(97) if (np.arange(i, i + 3) % 12).tolist() == s.prompt) for s in samples]
    assert starts[0] == 0
    assert len(set(starts)) == 4
    assert all(len(found.truth) == len(found.continuation) == 10 for found in samples)


def test_a_text_shorter_than_the_continuation_still_gives_a_sample() -> None:
    (found,) = sample(make_network(), windows(np.array([1, 2, 3, 4]), 3), 5, 8)
    assert found.truth == [4]
    assert len(found.continuation) == 8


def test_a_fixed_context_rereads_its_last_words_and_unk_is_never_written() -> None:
    network = make_network(seed=4)
    text = windows(np.random.default_rng(0).integers(0, 12, 100), 3)
    for found in sample(network, text, 3, 15, unknown=5):
        written = list(found.prompt)
        for word in found.continuation:
            assert word == likeliest(network, written[-3:], 5)
            written.append(word)


def test_samples_with_a_carried_state_equal_those_of_rereading_the_text() -> None:
    network = make_network(seed=4, context=None)
    text = windows(np.random.default_rng(0).integers(0, 12, 100), 4)
    for found in sample(network, text, 3, 15, unknown=5):
        written = list(found.prompt)
        for word in found.continuation:
            assert word == likeliest(network, written, 5)
            written.append(word)


def test_with_a_temperature_the_number_of_the_prompt_is_the_seed() -> None:
    network = make_network(seed=4)
    text = windows(np.random.default_rng(0).integers(0, 12, 100), 3)
    samples = sample(network, text, 3, 15, unknown=5, temperature=1.5)
    assert len({tuple(found.continuation) for found in samples}) == 3
    assert not any(5 in found.continuation for found in samples)
    for seed, found in enumerate(samples):
        written = list(found.prompt)
        for step, word in enumerate(found.continuation):
            logits = draw.ban(after(network, written[-3:]), 5).astype(np.float32)
            assert word == draw.draw(logits, draw.uniform(seed, step), 1.5)
            written.append(word)


def after(network: torch.nn.Module, ids: list[int]) -> np.ndarray:
    with torch.no_grad():
        logits: np.ndarray = network(torch.tensor([ids]))[0][0].numpy()
    return logits


def likeliest(network: torch.nn.Module, ids: list[int], unknown: int) -> int:
    logits = after(network, ids).copy()
    logits[unknown] = -np.inf
    return int(logits.argmax())
