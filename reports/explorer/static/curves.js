// A study's curves of one endpoint: virtual arms, what was published, where they began, bands, numbers at risk.

import { drawing, frame, monthTicks, path } from "./axes.js";
import { svg } from "./elements.js";
import { printNumber } from "./scales.js";

export const ENDPOINTS = {
  os: ["Overall survival", "alive"],
  ttp: ["Time to progression", "without detected progression"],
  pfs: ["Progression-free survival", "alive without progression"],
};
const LINE = 15; // of numbers at risk

export function colourOf(study, arm) {
  if (study.arms.find((item) => item.name === arm)?.control) return "control";
  return `treated-${study.arms.filter((item) => !item.control).findIndex((item) => item.name === arm) % 4}`;
}

export function drawCurves({ study, endpoint, view, ghost, bands, observed, width }) {
  const own = (rows) => (rows ?? []).filter((row) => row.study === study.name && row.endpoint === endpoint);
  const curves = own(view.curves);
  const published = own(observed);
  const marks = view.targets.filter((row) => row.study === study.name && row.endpoint === endpoint && row.statistic === "median");
  const last = Math.max(endpoint === "os" ? 24 : 18, ...published.map((row) => row.months.at(-1)));
  const risk = listRisk(study, own(view.at_risk), published);
  const height = 250 + LINE * risk.length;
  const margin = { left: 46, right: 14, top: 20, bottom: 40 + LINE * risk.length };
  const ticks = monthTicks(last);
  const axes = frame({
    width, height, margin, x: [0, last], y: [0, 1], xTicks: ticks, yTicks: [0, 0.25, 0.5, 0.75, 1],
    xLabel: "months since randomisation", yLabel: `% ${ENDPOINTS[endpoint][1]}`, printY: (tick) => String(100 * tick),
  });
  const at = (row) => row.months.map((month, place) => [axes.across(month), axes.down(row.survival[place])]).filter(([x]) => x <= axes.inner.right + 0.01);
  const steps = endpoint === "ttp";
  const parts = [
    ...axes.parts,
    ...own(bands).map((row) => band(row, axes, colourOf(study, row.arm), steps)),
    ...own(ghost?.curves).map((row) => svg("path", { class: "ghost", d: path(at(row), { steps }) })),
    ...published.flatMap((row) => observedCurve(row, at(row), colourOf(study, row.arm))),
    ...curves.map((row) => curve(row, at(row), study, endpoint, axes, steps)),
    ...marks.map((row, place) => median(row, place, axes, colourOf(study, row.arm))),
    ...atRisk(risk, ticks, axes),
  ];
  const drawn = drawing(width, height, describe(study, endpoint, view), ...parts);
  follow(drawn, curves, study, axes, steps);
  return drawn;
}

function curve(row, points, study, endpoint, axes, steps) {
  const end = axes.across(study.follow_up[endpoint] ?? Infinity);
  const kept = points.filter(([x]) => x <= end);
  const beyond = points.slice(Math.max(kept.length - 1, 0));
  const colour = colourOf(study, row.arm);
  return svg("g", { "data-curve": `${row.study}:${row.arm}:${row.endpoint}` },
    svg("path", { class: `curve beyond ${colour}`, d: path(beyond, { steps }) }),
    svg("path", { class: `curve ${colour}`, d: path(kept, { steps }) }));
}

function band(row, axes, colour, steps) {
  const line = (values) => row.months.map((month, place) => [axes.across(month), axes.down(values[place])]).filter(([x]) => x <= axes.inner.right + 0.01);
  const [upper, lower] = [line(row.upper), line(row.lower)];
  const spread = (points) => (steps ? points.flatMap(([x, y], place) => (place ? [[x, points[place - 1][1]], [x, y]] : [[x, y]])) : points);
  return svg("path", { class: `band ${colour}`, d: `${path([...spread(upper), ...spread(lower).reverse()])}Z` });
}

function observedCurve(row, points, colour) {
  if (row.statistic === "curve") return points.map(([x, y]) => svg("circle", { class: `reading ${colour}`, cx: x, cy: y, r: 2.6 }));
  return [svg("path", { class: `observed ${colour}`, d: path(points, { steps: true }) })];
}

function median(row, place, axes, colour) {
  const y = axes.down(0.5) + (place ? 5 : -5);
  return svg("g", { class: `published ${colour}` },
    svg("title", {}, `published median ${printNumber("median", row.observed)} months`),
    row.lower === null ? null : svg("line", { x1: axes.across(row.lower), x2: Math.min(axes.across(row.upper), axes.inner.right), y1: y, y2: y }),
    svg("circle", { cx: axes.across(row.observed), cy: y, r: 4.2 }));
}

// Lines of numbers at risk; one without months is a heading.
function listRisk(study, rows, published) {
  const coloured = (row) => ({ ...row, colour: colourOf(study, row.arm) });
  const known = published.map((row) => coloured({ arm: row.arm, months: row.risk_months, at_risk: row.at_risk }));
  return [{ heading: "at risk, expected" }, ...rows.map(coloured), ...(known.length ? [{ heading: "at risk, published" }, ...known] : [])];
}

function atRisk(rows, ticks, axes) {
  const top = axes.inner.bottom + 52;
  const left = axes.inner.left - 44;
  const parts = [];
  rows.forEach((row, place) => {
    const y = top + LINE * place;
    if (row.heading) parts.push(svg("text", { class: "label", x: left, y }, row.heading));
    else parts.push(svg("rect", { class: `chip ${row.colour}`, x: left, y: y - 9, width: 9, height: 9, rx: 2 }, svg("title", {}, row.arm)));
    for (const tick of row.heading ? [] : ticks) {
      const found = row.months.findIndex((month) => Math.abs(month - tick) < 1e-6);
      if (found >= 0) parts.push(svg("text", { class: "tick", x: axes.across(tick), y, "text-anchor": "middle" }, String(Math.round(row.at_risk[found]))));
    }
  });
  return parts;
}

export function valueAt(row, month, steps) {
  let place = 0;
  while (place + 1 < row.months.length && row.months[place + 1] <= month) place += 1;
  if (steps || place + 1 >= row.months.length) return row.survival[place];
  const share = (month - row.months[place]) / (row.months[place + 1] - row.months[place] || 1);
  return row.survival[place] + share * (row.survival[place + 1] - row.survival[place]);
}

function follow(drawn, curves, study, axes, steps) {
  const hair = svg("g", { class: "hair" });
  drawn.append(hair);
  drawn.addEventListener("pointermove", (event) => {
    const place = ((event.clientX - drawn.getBoundingClientRect().left) / drawn.getBoundingClientRect().width) * drawn.viewBox.baseVal.width;
    if (place < axes.inner.left || place > axes.inner.right) return hair.replaceChildren();
    const month = ((place - axes.inner.left) / (axes.inner.right - axes.inner.left)) * (curvesEnd(axes));
    const right = place > (axes.inner.left + axes.inner.right) / 2;
    const rows = curves.map((row) => [row.arm, colourOf(study, row.arm), valueAt(row, month, steps)]).sort((a, b) => b[2] - a[2]);
    hair.replaceChildren(
      svg("line", { x1: place, x2: place, y1: axes.inner.top, y2: axes.inner.bottom }),
      ...rows.map(([, colour, value]) => svg("circle", { class: `dot ${colour}`, cx: place, cy: axes.down(value), r: 3.5 })),
      ...[["", "", null], ...rows].map(([arm, colour, value], line) =>
        svg("text", { class: `told ${colour}`, x: place + (right ? -8 : 8), y: axes.inner.top + 12 + 14 * line, "text-anchor": right ? "end" : "start" },
          value === null ? `month ${month.toFixed(1)}` : `${arm} ${(100 * value).toFixed(1)} %`)));
    return undefined;
  });
  drawn.addEventListener("pointerleave", () => hair.replaceChildren());

  function curvesEnd({ across }) {
    return (axes.inner.right - axes.inner.left) / (across(1) - across(0));
  }
}

export function describe(study, endpoint, view) {
  const medians = view.numbers
    .filter((row) => row.study === study.name && row.endpoint === endpoint && row.statistic === "median")
    .map((row) => `median ${row.arm} ${row.value === null ? "beyond the curve" : `${printNumber("median", row.value)} months`}`);
  const ratios = view.ratios
    .filter((row) => row.study === study.name && row.endpoint === endpoint && row.value !== null)
    .map((row) => `hazard ratio ${row.arm} over ${row.reference_arm} ${printNumber("hazard_ratio", row.value)}`);
  return `${ENDPOINTS[endpoint][0]}, ${study.title}: ${[...medians, ...ratios].join(", ")}`;
}
