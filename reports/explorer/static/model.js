// The tabs of the model: its diagram, in which what is cut turns grey, and its equations as they are integrated.

import { card, key } from "./cards.js";
import { drawing } from "./axes.js";
import { el, svg, symbolInDrawing } from "./elements.js";
import { NOW } from "./setting.js";

const CM = 38; // pixels

export function drawDiagram(page, width) {
  const { diagram, model } = page;
  if (!diagram) return [el("p", { class: "quiet" }, "The diagram is drawn …")];
  const dead = new Set((model?.dead ?? []).map(([source, target]) => `${source}>${target}`));
  const cuts = new Set(NOW.setting.cuts);
  const parts = [
    ...diagram.edges.map((edge) => arrow(edge, dead.has(`${edge.source}>${edge.target}`))),
    ...diagram.edges.map((edge) => carried(edge, dead.has(`${edge.source}>${edge.target}`))),
    ...diagram.nodes.map((node) => box(page, node, cuts)),
  ];
  const words = dead.size ? `; cut: ${[...dead].map((pair) => pair.replace(">", " on ")).join(", ")}` : "";
  const drawn = drawing(diagram.width * CM, diagram.height * CM + 4, `Diagram of ${page.subject.title}${words}`, ...parts);
  drawn.removeAttribute("width");
  drawn.removeAttribute("height");
  drawn.setAttribute("class", "diagram");
  const legend = [key("raises", "raises"), key("lowers", "lowers"), key("both", "does both"), key("ghost", "cut")];
  const note = "A box leads to its settings on the left, where its arrows are cut. Letters beside an arrow carry the action.";
  return [el("div", { class: "cards" }, card({ title: "Mechanisms and how they act on each other", name: "diagram", legend, note },
    drawn, () => [["source", "target", "sign", "carriers", "cut"], diagram.edges.map((edge) => [edge.source, edge.target, edge.sign, edge.carriers.join(" "), dead.has(`${edge.source}>${edge.target}`) ? "yes" : "no"])]))];
}

function arrow(edge, isDead) {
  const [start, ...rest] = edge.points.map(([x, y]) => [x * CM, y * CM + 2]);
  let line = `M${start.join(" ")}`;
  for (let place = 0; place + 2 < rest.length; place += 3) line += `C${rest.slice(place, place + 3).map((point) => point.join(" ")).join(",")}`;
  const kind = `arrow ${edge.sign}${isDead ? " dead" : ""}`;
  return svg("g", { class: kind, "data-edge": `${edge.source}>${edge.target}`, "data-cut": isDead ? "yes" : "no" }, svg("title", {}, `${edge.source} ${edge.sign === "both" ? "raises and lowers" : edge.sign} ${edge.target}${isDead ? ", cut" : ""}`), svg("path", { class: "line", d: line }), head(edge));
}

function head(edge) {
  const [x, y] = edge.points.at(-1).map((value) => value * CM);
  const by = edge.points.at(-1)[1] > edge.points.at(-2)[1] ? -1 : 1;
  if (edge.sign === "raises") return svg("path", { class: "head", d: `M${x} ${y + 2}l-3.6 ${by * 8.5}h7.2Z` });
  if (edge.sign === "lowers") return svg("path", { class: "bar", d: `M${x - 6} ${y + 2 + by * 2}h12` });
  return svg("circle", { class: "head", cx: x, cy: y + 2 + by * 3, r: 3.2 });
}

function carried(edge, isDead) {
  const [x, y] = edge.label_at;
  const parts = () => edge.symbols.flatMap((symbol, place) => [...(place ? [", "] : []), ...symbolInDrawing(symbol)]);
  const text = (kind) => svg("text", { class: kind, x: x * CM, y: y * CM + 6, "text-anchor": "middle" }, ...parts());
  return svg("g", { class: `carried ${edge.sign}${isDead ? " dead" : ""}` }, text("halo"), text("letters"));
}

function box(page, node, cuts) {
  const [x, y, width, height] = [node.x, node.y, node.width, node.height].map((value) => value * CM);
  const arrows = page.subject.mechanisms.find((item) => item.name === node.name)?.arrows ?? [];
  const cut = arrows.filter((item) => cuts.has(item.name)).length;
  const letters = node.symbols.map((symbol) => symbol.join("")).join(", ").length;
  const symbols = node.symbols.slice(0, 6).flatMap((symbol, place) => [...(place ? [", "] : []), ...symbolInDrawing(symbol)]);
  const open = () => page.openMechanism(node.name);
  return svg("g", { class: `box${node.outcome ? " outcome" : ""}`, tabindex: "0", role: "button", "aria-label": `${node.title}: ${arrows.length} arrows, ${cut} cut; opens its settings`, onclick: open, onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); } } },
    svg("rect", { x, y: y + 2, width, height, rx: 6 }),
    svg("text", { class: node.title.length > 15 ? "box-title many" : "box-title", x: x + width / 2, y: y + height / 2 - 2, "text-anchor": "middle" }, node.title),
    svg("text", { class: letters > 18 ? "box-symbols many" : "box-symbols", x: x + width / 2, y: y + height / 2 + 15, "text-anchor": "middle" }, ...symbols, node.symbols.length > 6 ? " …" : ""),
    cut ? svg("text", { class: "box-cut", x: x + width - 2, y: y - 3, "text-anchor": "end" }, `✂ ${cut}`) : null);
}

export function drawEquations(page) {
  const { model } = page;
  if (!model) return [el("p", { class: "quiet" }, "The equations are typeset …")];
  const parsed = new DOMParser().parseFromString(model.equations, "image/svg+xml").documentElement;
  const drawn = document.importNode(parsed, true);
  drawn.setAttribute("class", "equations");
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", "The equations of the model, by mechanism; kinimmune show prints them as text");
  for (const name of ["width", "height"]) drawn.removeAttribute(name);
  const cuts = NOW.setting.cuts;
  const note = `Typeset from the symbolic model that is integrated; time is in days. ${cuts.length ? `Cut: ${cuts.join(", ")}.` : "No arrow is cut."}`;
  return [el("div", { class: "cards" }, card({ title: "Equations", name: "equations", note }, drawn, null))];
}
