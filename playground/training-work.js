// What the workers that train share: they take steps, and between them they answer the page.
import * as ort from "./vendor/ort.wasm.min.mjs";
import { NextwordError } from "./vendor/nextword.js";

ort.env.wasm.wasmPaths = new URL("./vendor/", import.meta.url).href;
ort.env.wasm.numThreads = 1; // more threads need headers that a plain file server does not send

export { ort };

/** Answers messages with `answer(data)` and, while it is going, takes steps with `step()`: one after the other. */
export class Work {
  #answer;
  #step;
  #asked = []; // requests that wait
  #isGoing = false;
  #isWorking = false;
  /** Milliseconds between steps. */
  pause = 0;

  constructor({ answer, step }) {
    this.#answer = answer;
    this.#step = step;
    addEventListener("message", ({ data }) => {
      this.#asked.push(data);
      this.#work();
    });
  }

  /** Starts or stops taking steps, and says so to the page, with what else it should know. */
  go(isGoing, about = {}) {
    this.#isGoing = isGoing;
    postMessage({ isGoing, ...about });
  }

  async #work() {
    if (this.#isWorking) return;
    this.#isWorking = true;
    while (this.#asked.length || this.#isGoing) {
      try {
        if (this.#asked.length) await this.#answer(this.#asked.shift());
        else await this.#step();
      } catch (error) {
        this.#isGoing = false;
        if (error instanceof NextwordError) postMessage({ error: error.message });
        else postMessage({ fault: String(error?.stack ?? error) });
      }
      await new Promise((resolve) => setTimeout(resolve, this.#isGoing ? this.pause : 0)); // so that messages can arrive
    }
    this.#isWorking = false;
  }
}
