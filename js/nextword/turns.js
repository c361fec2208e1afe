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
