// Elements of an SVG.

const NAMESPACE = "http://www.w3.org/2000/svg";

export function make(name, attributes, text = "") {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}
