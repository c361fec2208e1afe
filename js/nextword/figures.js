/** How good predictions are: Python's `nextword.figures`, whose docstrings define each figure. */

export const SUGGESTIONS = 3; // shown to the user of a keyboard
export const SEARCHED = 2_000; // words of a text that are searched for, if a model knows subwords

const MOST_NATS = 700; // exp of more overflows a float

/** exp(`loss`), with `loss` in nats per word; at most exp(700), so that it stays finite. */
export const perplexity = (loss) => Math.exp(Math.min(loss, MOST_NATS));

/** How many of the words `ids` were predicted to be likelier than the word `id`; ties are broken by id. */
export function rankAmong(ids, id, logProbabilities) {
  const own = logProbabilities[id];
  let rank = 0;
  for (const other of ids) {
    if (logProbabilities[other] > own || (logProbabilities[other] === own && other < id)) rank++;
  }
  return rank;
}
