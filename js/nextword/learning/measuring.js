/** How good a model is on a text cut into windows. */

import { elements } from "../inspection.js";

const MEASURED = 256; // windows predicted at once

/**
 * The mean loss over all windows in nats per word, and the share of them whose next word was the likeliest; `<unk>`,
 * whose id is `unknown`, never counts as right.
 */
export async function measured(model, windows, unknown) {
  const size = model.dictionary.words.length;
  let [right, loss] = [0, 0];
  for (const { ids, following } of windows.inOrder(MEASURED)) {
    const { logits } = await model.run(ids.flat(), stateOf(model, ids.length), ids.length);
    following.forEach((id, row) => {
      const own = logits.subarray(row * size, (row + 1) * size);
      const most = own.reduce((one, other) => Math.max(one, other));
      let total = 0;
      own.forEach((value) => (total += Math.exp(value - most)));
      loss += most + Math.log(total) - own[id];
      right += likeliest(own, unknown) === id;
    });
  }
  return { loss: loss / windows.length, accuracy: right / windows.length };
}

/** The word with the highest of some logits, `<unk>` aside. */
function likeliest(logits, unknown) {
  let best = unknown === 0 ? 1 : 0;
  logits.forEach((value, id) => (best = value > logits[best] && id !== unknown ? id : best));
  return best;
}

/** The zero state for a batch of texts. */
function stateOf(model, texts) {
  return Object.fromEntries(
    model.states.map(({ name, type, shape, axis }) => [name, new type.Numbers(elements(shape.map((size, place) => (place === axis ? texts : size))))]),
  );
}
