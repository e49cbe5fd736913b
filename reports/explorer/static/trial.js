// The tab of the trial: hazard ratios, survival, progression, and how far published numbers are.

import { card, key } from "./cards.js";
import { colourOf, drawCurves, ENDPOINTS } from "./curves.js";
import { drawing, evenTicks, frame } from "./axes.js";
import { el, svg } from "./elements.js";
import { print, printNumber } from "./scales.js";

export function drawTrial(page, width) {
  const { subject, view, shown } = page;
  const beside = width > 760 && subject.studies.length > 1 ? 2 : 1;
  const each = Math.floor((width - 16 * (beside - 1)) / beside) - 34;
  const later = subject.endpoints.filter((item) => item !== "os");
  const rows = [
    el("div", { class: "tiles" }, view.ratios.map((row) => tile(page, row))),
    el("div", { class: `cards beside-${beside}` }, subject.studies.map((study) => curvesCard(page, study, "os", each))),
  ];
  if (later.length) {
    const chosen = later.includes(shown.later) ? shown.later : later[0];
    rows.push(choice(later, chosen, (name) => { shown.later = name; page.redraw(); }));
    rows.push(el("div", { class: `cards beside-${beside}` }, subject.studies.map((study) => curvesCard(page, study, chosen, each))));
  }
  if (view.targets.length) rows.push(el("div", { class: "cards" }, residualsCard(page, width - 34)));
  rows.push(el("div", { class: "cards" }, numbersCard(page)));
  return rows;
}

function choice(names, chosen, choose) {
  return el("div", { class: "segments", role: "radiogroup", "aria-label": "Endpoint of the curves below" },
    names.map((name) => el("label", {},
      el("input", { type: "radio", name: "later", value: name, checked: name === chosen, onchange: () => choose(name) }), ENDPOINTS[name][0])));
}

function tile(page, row) {
  const study = page.subject.studies.find((item) => item.name === row.study);
  const before = page.ghost?.ratios.find((item) => item.study === row.study && item.arm === row.arm && item.reference_arm === row.reference_arm && item.endpoint === row.endpoint);
  const target = page.view.targets.find((item) => item.statistic === "hazard_ratio" && item.study === row.study && item.arm === row.arm && item.endpoint === row.endpoint);
  const moved = before && row.value !== null && before.value !== null && Math.abs(Math.log(row.value / before.value)) > 0.004;
  return el("div", { class: "tile", "data-ratio": `${row.study}:${row.arm}:${row.endpoint}`, "data-value": row.value ?? "" },
    el("span", { class: "quiet" }, `${study.title} · ${row.endpoint.toUpperCase()}`),
    el("span", { class: "quiet small" }, `${row.arm} / ${row.reference_arm}`.replaceAll("_", " ")),
    el("strong", {}, `HR ${printNumber("hazard_ratio", row.value)}`),
    el("span", { class: "quiet" }, row.value === null ? row.reason : `one trial ${printNumber("hazard_ratio", row.lower)}–${printNumber("hazard_ratio", row.upper)}`),
    el("span", { class: "quiet" }, [
      target ? `published ${printNumber("hazard_ratio", target.observed)}` : "",
      moved ? `${target ? ", " : ""}at start ${printNumber("hazard_ratio", before.value)}` : "",
    ].join("")));
}

function curvesCard(page, study, endpoint, width) {
  const { view, ghost, bands, subject } = page;
  const drawn = drawCurves({ study, endpoint, view, ghost: page.moved ? ghost : null, bands: bands?.bands, observed: subject.observed, width });
  const legend = study.arms.map((arm) => key(colourOf(study, arm.name), `${arm.name.replaceAll("_", " ")} (n = ${arm.n})`));
  if (page.moved) legend.push(key("ghost", "at the start"));
  if (view.targets.some((row) => row.study === study.name && row.endpoint === endpoint && row.statistic === "median")) legend.push(el("span", { class: "key" }, "◯ published median"));
  const published = subject.observed.filter((row) => row.study === study.name && row.endpoint === endpoint);
  if (published.some((row) => row.statistic === "curve")) legend.push(el("span", { class: "key" }, "∘ published curve"));
  if (published.some((row) => row.statistic === "patients")) legend.push(el("span", { class: "key" }, "thin: its patients"));
  if (bands) legend.push(el("span", { class: "key quiet" }, `bands: ${bands.draws} draws, ${bands.patients} patients`));
  return card({ title: `${ENDPOINTS[endpoint][0]}, ${study.title}`, name: `${endpoint}-${study.name}`, legend }, drawn, () => [
    ["study", "arm", "endpoint", "month", "survival"],
    view.curves.filter((row) => row.study === study.name && row.endpoint === endpoint)
      .flatMap((row) => row.months.map((month, place) => [row.study, row.arm, row.endpoint, month, row.survival[place]])),
  ]);
}

const ROW = 23;

function residualsCard(page, width) {
  const { view, subject } = page;
  const rows = subject.studies.flatMap((study) => {
    const own = view.targets.map((row, place) => ({ row, place, study })).filter(({ row }) => row.study === study.name);
    return own.length ? [{ study }, ...own] : [];
  });
  const names = Math.min(270, Math.max(150, width * 0.3));
  const numbers = width > 620 ? 190 : 0;
  const reach = Math.min(Math.max(3, Math.ceil(Math.max(...view.targets.map((row) => Math.abs(row.residual ?? 0))))), 8);
  const height = ROW * rows.length + 56;
  const axes = frame({
    width, height, margin: { left: names, right: numbers + 12, top: 24, bottom: 34 }, x: [-reach, reach], y: [0, rows.length],
    xTicks: evenTicks(-reach, reach, 8), yTicks: [], xLabel: width > 620 ? "predicted less published [standard errors]" : "[standard errors]",
  });
  const place = { axes, names, numbers, width, reach, zero: axes.across(0) };
  const drawn = drawing(width, height, describeResiduals(view), ...axes.parts, ...stripe(place),
    ...rows.flatMap((item, line) => drawTarget(page, item, axes.inner.top + ROW * (line + 0.5), place)));
  const legend = [key("residual-fit", "fitted"), key("residual-unfitted", "not fitted"), el("span", { class: "key quiet" }, tellSum(view))];
  const note = "The shaded stripe is 1.96 standard errors to either side. Beyond the axis a point stands at its end.";
  return card({ title: "Published numbers", name: "residuals", legend, note }, drawn, () => [
    ["number", "role", "unit", "published", "lower", "upper", "predicted", "residual", "deviance"],
    view.targets.map((row) => [row.label, row.role, row.unit, row.observed, row.lower, row.upper, row.predicted, row.residual, row.deviance]),
  ]);
}

const isFar = (row) => Math.abs(row.residual ?? 0) > 1.96;
const tellSum = (view) => (view.chi_square === null ? "" : `sum of squares of what a fit fits: ${print(view.chi_square)}`);
const describeResiduals = (view) => `Residuals of ${view.targets.length} published numbers, ${view.targets.filter(isFar).length} beyond 1.96 standard errors; ${tellSum(view)}`;

function stripe({ axes, zero, numbers, width }) {
  const { inner, across } = axes;
  return [
    svg("rect", { class: "within", x: across(-1.96), width: across(1.96) - across(-1.96), y: inner.top, height: inner.bottom - inner.top }),
    svg("line", { class: "axis", x1: zero, x2: zero, y1: inner.top, y2: inner.bottom }),
    numbers ? svg("text", { class: "label", x: width - 12, y: inner.top - 8, "text-anchor": "end" }, "predicted, published") : null,
  ];
}

function drawTarget(page, { row, place: number, study }, y, { axes, names, numbers, width, reach, zero }) {
  if (!row) return [svg("text", { class: "heading", x: 4, y: y + 5 }, study.title)];
  const words = (page.subject.targets[row.label] ?? row.label).replace(`, ${study.title}`, "").replace("control rate", "control").replaceAll("_", " ");
  const parts = [svg("text", { class: `name ${row.role}`, x: names - 10, y: y + 4, "text-anchor": "end" }, svg("title", {}, row.label), shorten(words, (names - 14) / 6.4))];
  if (numbers) parts.push(svg("text", { class: "tick", x: width - 12, y: y + 4, "text-anchor": "end" }, tellPair(row)));
  if (row.residual === null) return [...parts, svg("text", { class: "tick", x: zero + 6, y: y + 4 }, row.deviance === null ? row.reason : `deviance ${print(row.deviance)} of ${row.residuals}`)];
  const at = (value) => axes.across(Math.max(-reach, Math.min(reach, value)));
  const past = page.moved ? page.ghost?.targets[number]?.residual ?? null : null;
  if (past !== null) parts.push(svg("line", { class: "ghost", x1: at(past), x2: at(row.residual), y1: y, y2: y }), svg("circle", { class: "ghost dot", cx: at(past), cy: y, r: 3 }));
  const told = `${row.label}: predicted ${printNumber(row.statistic, row.predicted)}, published ${printNumber(row.statistic, row.observed)}, ${row.residual.toFixed(2)} standard errors`;
  return [...parts, svg("circle", { class: `residual ${row.role} ${isFar(row) ? "far" : "near"}`, cx: at(row.residual), cy: y, r: 5 }, svg("title", {}, told))];
}

const shorten = (words, most) => (words.length > most ? `${words.slice(0, Math.floor(most) - 1)}…` : words);

function tellPair(row) {
  if (row.observed === null) return "";
  return `${printNumber(row.statistic, row.predicted)}, ${printNumber(row.statistic, row.observed)}`;
}

function numbersCard(page) {
  const { view, subject } = page;
  const wanted = view.numbers.filter((row) => row.statistic !== "survival" || row.month === 12);
  const words = { median: "median [month]", events: "events by the cut-off", deaths: "deaths by the cut-off", response_rate: "response rate", control_rate: "disease control", survival: "at 12 months" };
  const kinds = [...new Set(wanted.map((row) => `${row.endpoint ?? ""}|${row.statistic}`))];
  const arms = subject.studies.flatMap((study) => study.arms.map((arm) => [study, arm]));
  const find = (study, arm, kind) => wanted.find((row) => row.study === study.name && row.arm === arm.name && `${row.endpoint ?? ""}|${row.statistic}` === kind);
  const table = el("table", {},
    el("thead", {},
      el("tr", {}, el("td", {}), subject.studies.map((study) => el("th", { scope: "colgroup", colspan: study.arms.length }, study.title))),
      el("tr", {}, el("th", { scope: "col" }, "Number"), arms.map(([, arm]) => el("th", { scope: "col" }, arm.name.replaceAll("_", " "))))),
    el("tbody", {}, kinds.map((kind) => {
      const [endpoint, statistic] = kind.split("|");
      return el("tr", {}, el("th", { scope: "row" }, `${endpoint.toUpperCase()} ${words[statistic] ?? statistic}`.trim()),
        arms.map(([study, arm]) => el("td", {}, printNumber(statistic, find(study, arm, kind)?.value))));
    })));
  return card({ title: "Numbers of the arms", name: "numbers" }, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Numbers of the arms" }, table), () => [
    ["study", "arm", "reference_arm", "endpoint", "statistic", "month", "unit", "value", "trial_lower", "trial_upper"],
    [...view.numbers.map((row) => [row.study, row.arm, "", row.endpoint, row.statistic, row.month, row.unit, row.value, "", ""]),
      ...view.ratios.map((row) => [row.study, row.arm, row.reference_arm, row.endpoint, "hazard_ratio", "", "1", row.value, row.lower, row.upper])],
  ]);
}
