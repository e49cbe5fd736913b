// The frame of a drawing: scales, grid, ticks.  Lengths are in pixels.

import { svg } from "./elements.js";

export function frame({ width, height, margin, x, y, xTicks, yTicks, xLabel, yLabel, printX = String, printY = String }) {
  const inner = { left: margin.left, right: width - margin.right, top: margin.top, bottom: height - margin.bottom };
  const across = (value) => inner.left + ((value - x[0]) / (x[1] - x[0] || 1)) * (inner.right - inner.left);
  const down = (value) => inner.bottom - ((value - y[0]) / (y[1] - y[0] || 1)) * (inner.bottom - inner.top);
  const parts = [
    ...yTicks.map((tick) => [
      svg("line", { class: "grid", x1: inner.left, x2: inner.right, y1: down(tick), y2: down(tick) }),
      svg("text", { class: "tick", x: inner.left - 6, y: down(tick) + 3.5, "text-anchor": "end" }, printY(tick)),
    ]),
    ...xTicks.map((tick) => [
      svg("line", { class: "axis", x1: across(tick), x2: across(tick), y1: inner.bottom, y2: inner.bottom + 4 }),
      svg("text", { class: "tick", x: across(tick), y: inner.bottom + 16, "text-anchor": "middle" }, printX(tick)),
    ]),
    svg("line", { class: "axis", x1: inner.left, x2: inner.right, y1: inner.bottom, y2: inner.bottom }),
    xLabel ? svg("text", { class: "label", x: (inner.left + inner.right) / 2, y: inner.bottom + 32, "text-anchor": "middle" }, xLabel) : null,
    yLabel ? svg("text", { class: "label", x: inner.left - margin.left + 2, y: inner.top - 9 }, yLabel) : null,
  ];
  return { inner, across, down, parts: parts.flat() };
}

export function drawing(width, height, label, ...parts) {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, ...parts);
}

export function path(points, { steps = false } = {}) {
  let line = "";
  let last = null;
  for (const [x, y] of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    const place = `${x.toFixed(2)} ${y.toFixed(2)}`;
    if (last === null) line += `M${place}`;
    else line += steps ? `H${x.toFixed(2)}V${y.toFixed(2)}` : `L${place}`;
    last = y;
  }
  return line;
}

export function evenTicks(from, to, about) {
  const raw = (to - from) / about || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((by) => by * power).find((by) => by >= raw * 0.999);
  const ticks = [];
  for (let tick = Math.ceil(from / step - 1e-9) * step; tick <= to + step * 1e-6; tick += step) ticks.push(Number(tick.toPrecision(12)));
  return ticks;
}

export function monthTicks(last) {
  const step = last <= 18 ? 3 : last <= 40 ? 6 : 12;
  return Array.from({ length: Math.floor(last / step + 1e-9) + 1 }, (_, place) => place * step);
}
