const tails = new WeakMap(); // by runtime: the last run that was requested

/**
 * Runs a graph after all earlier runs of the same runtime. The WebAssembly of onnxruntime-web has one stack for all
 * sessions, so overlapping runs corrupt one another's results.
 */
export function inTurn(ort, run) {
  const done = (tails.get(ort) ?? Promise.resolve()).then(run);
  tails.set(ort, done.catch(() => {}));
  return done;
}

/**
 * Lets the event loop run, so that input is handled and the page is repainted while words are written: onnxruntime's
 * WebAssembly runs within the microtask queue, which is emptied before any event is handled.
 */
export function eventLoop() {
  if (globalThis.setImmediate) return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

