// A figure on the page: its title, its drawing, and the buttons that save it.

import { el } from "./elements.js";
import { save, toCsv, toPng, toSvg } from "./exporting.js";

// `table` gives [columns, rows] when it is asked for.
export function card({ title, name, note = "", legend = [] }, drawn, table) {
  const button = (kind, act) => el("button", { type: "button", class: "small", "aria-label": `${kind}: ${title}`, onclick: act }, kind);
  const buttons = [];
  if (drawn instanceof SVGElement) {
    buttons.push(button("SVG", () => save(`${name}.svg`, "image/svg+xml", toSvg(drawn))));
    buttons.push(button("PNG", async () => save(`${name}.png`, "image/png", await toPng(drawn))));
  }
  if (table) buttons.push(button("CSV", () => save(`${name}.csv`, "text/csv", toCsv(...table()))));
  return el("figure", { class: "card", "data-figure": name },
    el("figcaption", {}, el("h3", {}, title), el("span", { class: "saves" }, buttons)),
    legend.length ? el("p", { class: "legend" }, legend) : null,
    drawn,
    note ? el("p", { class: "quiet note" }, note) : null);
}

export const key = (colour, words) => el("span", { class: "key" }, el("span", { class: `chip ${colour}`, "aria-hidden": "true" }), words);
