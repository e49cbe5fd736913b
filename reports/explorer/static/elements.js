// Elements of the page and of its drawings, made without text that is parsed.

const SVG = "http://www.w3.org/2000/svg";

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
export const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

export const symbolOf = ([base, low]) => el("span", { class: "symbol", "aria-hidden": "true" }, el("i", {}, base), low ? el("sub", {}, low) : null);

export function symbolInDrawing([base, low]) {
  const parts = [svg("tspan", { "font-style": "italic" }, base)];
  if (low) parts.push(svg("tspan", { dy: 2.5, "font-size": "75%" }, low), svg("tspan", { dy: -2.5 }, "\u200b"));
  return parts;
}
