const tails = new WeakMap(); // by runtime, what was asked last

/**
 * Runs a graph once all is done that was asked of the runtime before. The WebAssembly of onnxruntime-web has one stack
 * for all sessions, and runs that overlap spoil one another's results.
 */
export function inTurn(ort, run) {
  const done = (tails.get(ort) ?? Promise.resolve()).then(run);
  tails.set(ort, done.catch(() => {}));
  return done;
}
