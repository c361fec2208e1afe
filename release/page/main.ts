// A user's page, built with Vite: the model runs in a worker.
const worker = new Worker(new URL("worker.ts", import.meta.url), { type: "module" });
worker.onmessage = ({ data }: MessageEvent<string>) => (document.body.textContent = data);
worker.postMessage("the mouse");
