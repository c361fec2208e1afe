// What the keyboard knows about its user: words listed, forgotten, blocked, exported and imported.
import * as model from "./model.js";

const $ = (id) => document.getElementById(id);
const MOST = 200; // words listed

/**
 * Sets up the panel; `changed` is called whenever what is known has changed, `report` with the id of an element and the
 * error or message that belongs there.
 */
export function personal(changed, report) {
  const act = async (ask, done = "", id = "words-message") => {
    report("block-message", "");
    report("words-message", "");
    try {
      show(await ask());
      report(id, done);
      changed();
    } catch (error) {
      report(id, error);
    }
  };

  const button = (name, word, ask) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = name;
    made.ariaLabel = `${name} ${word}`;
    made.addEventListener("click", () => act(ask));
    return made;
  };

  const list = (element, entries) => {
    const items = entries.slice(0, MOST).map(({ word, count, buttons }) => {
      const item = document.createElement("li");
      const label = document.createElement("span");
      label.textContent = count > 1 ? `${word} × ${count}` : word;
      item.append(label, ...buttons);
      return item;
    });
    if (entries.length > MOST) items.push(Object.assign(document.createElement("li"), { textContent: `and ${entries.length - MOST} more` }));
    element.replaceChildren(...items);
  };

  function show({ learned, blocked }) {
    const known = Object.entries(learned).map(([word, count]) => {
      const buttons = [
        button("Forget", word, () => model.forget(word)),
        button("Block", word, () => model.block(word)),
      ];
      return { word, count, buttons };
    });
    list($("learned"), known.reverse());
    list($("blocked"), blocked.map((word) => ({ word, buttons: [button("Allow", word, () => model.forget(word))] })));
  }

  $("block-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const word = $("block").value.trim();
    const block = async () => {
      const known = await model.block(word);
      $("block").value = ""; // a word that was refused can be changed
      return known;
    };
    act(block, `“${word}” will never be suggested.`, "block-message");
  });

  $("export").addEventListener("click", async () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([await model.save()], { type: "application/json" }));
    link.download = "nextword-keyboard.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });

  $("import").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    target.value = ""; // the same file can be chosen again
    if (file) await act(async () => model.restore(new Uint8Array(await file.arrayBuffer())), `${file.name} has been imported.`);
  });

  return {
    /** Shows the words once the models have changed. */
    refresh: async () => show(await model.words()),
    /** Learns the new words of the text, which was sent. */
    learn: (text) => act(() => model.commit(text), "The new words of the text have been learned."),
  };
}
