// Registers the service worker, which caches what the pages need.

/**
 * Lets the service worker take over first, so that the page does not fetch the files that it is caching a second time.
 */
export async function handOver() {
  try {
    const registration = await navigator.serviceWorker.register("service-worker.js");
    const { installing, active } = registration;
    if (active || !installing) return;
    await new Promise((resolve) => {
      installing.addEventListener("statechange", () => {
        if (["activated", "redundant"].includes(installing.state)) resolve();
      });
    });
  } catch {
    // without a service worker the page works as long as there is a network
  }
}
