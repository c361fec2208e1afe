// What the pages that train share: the worker, the buttons, and the messages.

const PAUSES = [2000, 800, 300, 80, 0]; // milliseconds between steps, slow to fast

export const $ = (id) => document.getElementById(id);

/** Says what is trained. */
export const describe = (text) => ($("model").textContent = text);

/** Says what went wrong; nothing for an empty message. */
export function say(message) {
  $("message").textContent = message;
  $("message").classList.toggle("error", Boolean(message));
}

/** Lets the user train, or not. */
export function enable(isReady) {
  for (const id of ["go", "one"]) $(id).disabled = !isReady;
}

/** The worker of a page; `takes` has a function for each kind of its messages. */
export class Training {
  #worker;
  isGoing = false;

  constructor(name, takes) {
    this.#worker = new Worker(new URL(name, import.meta.url), { type: "module" });
    this.#worker.addEventListener("message", ({ data }) => {
      if (data.fault) throw new Error(data.fault);
      if (data.isGoing !== undefined) this.#show(data.isGoing);
      if (data.error) {
        this.#show(false);
        say(data.error);
      }
      const kind = Object.keys(takes).find((one) => data[one] !== undefined);
      if (kind) takes[kind](data[kind], data);
    });
    this.#worker.addEventListener("error", ({ message }) => describe(message || "The worker could not be started."));
    $("go").addEventListener("click", () => this.ask({ go: !this.isGoing }));
    $("one").addEventListener("click", () => this.ask({ go: false, one: true }));
    $("speed").addEventListener("input", ({ target }) => this.ask({ speed: PAUSES[target.value] }));
  }

  /** Sends a request. */
  ask(request) {
    this.#worker.postMessage(request);
  }

  #show(isGoing) {
    this.isGoing = isGoing;
    $("go").textContent = isGoing ? "Pause" : "Start";
  }
}
