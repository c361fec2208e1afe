// Puts a page of the playground where one of the site asks for it, if the site has the playground and comes from a
// server: modules and workers are closed to pages that are opened as files.
const playground = new URL("playground/", document.currentScript.src);

for (const place of document.querySelectorAll("[data-playground]")) {
  if (!location.protocol.startsWith("http")) continue;
  fetch(new URL("vendor/files.txt", playground), { method: "HEAD" }).then(({ ok }) => {
    if (!ok) return;
    const frame = document.createElement("iframe");
    frame.src = new URL(place.dataset.playground, playground);
    frame.title = place.title;
    frame.loading = "lazy";
    place.replaceChildren(frame);
  });
}
