// The tabs of single patients and of mean courses.

import { drawing, evenTicks, frame, monthTicks, path } from "./axes.js";
import { card, key } from "./cards.js";
import { colourOf } from "./curves.js";
import { el, svg } from "./elements.js";
import { print } from "./scales.js";

const RESPONSE = -30;
const PROGRESSION = 20;
const kindOf = (change) => (change >= PROGRESSION ? "grown" : change <= RESPONSE ? "shrunk" : "stable");

export function drawPatients(page, width) {
  const rows = page.patients;
  if (!page.subject.diameters) return [el("p", { class: "quiet" }, "The model has no sum of diameters, so its patients have no waterfall.")];
  if (!rows) return [el("p", { class: "quiet" }, "Patients are drawn …")];
  const beside = width > 760 ? 2 : 1;
  const each = Math.floor((width - 16 * (beside - 1)) / beside) - 34;
  return [el("div", { class: `cards beside-${beside}` }, rows.flatMap((row) => [waterfall(page, row, each), spiders(page, row, each)]))];
}

function nameArm(page, row) {
  const study = page.subject.studies.find((item) => item.name === row.study);
  return `${study.title} ${row.arm.replaceAll("_", " ")}`;
}

const KEYS = () => [key("grown", "grown by 20 % or more"), key("stable", "between"), key("shrunk", "shrunk by 30 % or more")];

function waterfall(page, row, width) {
  const height = 230;
  const axes = frame({ width, height, margin: { left: 46, right: 10, top: 28, bottom: 24 }, x: [0, 100], y: [-100, 100], xTicks: [], yTicks: [-100, -50, 0, 50, 100], yLabel: "best change of the sum of diameters [%]" });
  const step = (axes.inner.right - axes.inner.left) / Math.max(row.best_change.length, 1);
  const bars = row.best_change.map((change, place) => {
    const kept = Math.max(-100, Math.min(100, change));
    return svg("rect", { class: kindOf(change), x: axes.inner.left + step * place, width: Math.max(step - (step > 3 ? 0.6 : 0), 0.4), y: Math.min(axes.down(kept), axes.down(0)), height: Math.max(Math.abs(axes.down(kept) - axes.down(0)), 0.5) });
  });
  const count = (kind) => row.best_change.filter((change) => kindOf(change) === kind).length;
  const label = `Best change of ${row.best_change.length} drawn patients: ${count("grown")} grown, ${count("stable")} between, ${count("shrunk")} shrunk`;
  const drawn = drawing(width, height, label, ...axes.parts, ...bars, ...levels(axes));
  return card({ title: `Waterfall, ${nameArm(page, row)}`, name: `waterfall-${row.study}-${row.arm}`, legend: KEYS() }, drawn, () => [
    ["study", "arm", "place", "best_change_percent"], row.best_change.map((change, place) => [row.study, row.arm, place + 1, change])]);
}

const levels = (axes) => [RESPONSE, PROGRESSION].map((level) => svg("line", { class: "level", x1: axes.inner.left, x2: axes.inner.right, y1: axes.down(level), y2: axes.down(level) }));

function spiders(page, row, width) {
  const height = 230;
  const last = Math.max(6, ...row.spiders.map(([months]) => months.at(-1)));
  const axes = frame({ width, height, margin: { left: 46, right: 10, top: 28, bottom: 40 }, x: [0, last], y: [-100, 100], xTicks: monthTicks(last), yTicks: [-100, -50, 0, 50, 100], xLabel: "months since randomisation", yLabel: "change of the sum of diameters [%]" });
  const lines = row.spiders.map(([months, change]) => svg("path", { class: `spider ${kindOf(change.at(-1))}`, d: path(months.map((month, place) => [axes.across(month), axes.down(Math.min(change[place], 100))])) }));
  const drawn = drawing(width, height, `Courses of ${row.spiders.length} drawn patients while observed`, ...axes.parts, ...levels(axes), ...lines);
  return card({ title: `While observed, ${nameArm(page, row)}`, name: `spiders-${row.study}-${row.arm}`, legend: KEYS() }, drawn, () => [
    ["study", "arm", "patient", "month", "change_percent"],
    row.spiders.flatMap(([months, change], patient) => months.map((month, place) => [row.study, row.arm, patient + 1, month, change[place]]))]);
}

export function drawCourses(page, width) {
  const rows = page.courses;
  if (!rows) return [el("p", { class: "quiet" }, "Courses are computed …")];
  const { studies, quantities } = page.subject;
  const chosen = studies.find((item) => item.name === page.shown.study) ?? studies[0];
  const beside = width > 1000 ? 3 : width > 640 ? 2 : 1;
  const each = Math.floor((width - 16 * (beside - 1)) / beside) - 34;
  const own = rows.filter((row) => row.study === chosen.name);
  const past = page.moved ? (page.ghostCourses ?? []).filter((row) => row.study === chosen.name) : [];
  return [
    studies.length > 1 ? el("div", { class: "segments", role: "radiogroup", "aria-label": "Study" }, studies.map((study) => el("label", {},
      el("input", { type: "radio", name: "study", value: study.name, checked: study === chosen, onchange: () => { page.shown.study = study.name; page.redraw(); } }), study.title))) : null,
    el("p", { class: "legend" }, own.map((row) => key(colourOf(chosen, row.arm), row.arm.replaceAll("_", " "))), past.length ? key("ghost", "at the start") : null),
    el("div", { class: `cards beside-${beside}` }, Object.entries(quantities).map(([name, words]) => course(own, past, chosen, name, words, each))),
  ];
}

function course(rows, past, study, name, [title, unit], width) {
  const height = 180;
  const kept = (row) => row.months.map((month, place) => [month, row.courses[name][place]]).filter(([month, value]) => month <= 24 && value !== null);
  const values = [...rows, ...past].flatMap((row) => kept(row).map(([, value]) => value));
  const [low, high] = [Math.min(0, ...values), Math.max(1e-12, ...values) * 1.04];
  const ticks = evenTicks(low, high, 4);
  const axes = frame({ width, height, margin: { left: 52, right: 10, top: 26, bottom: 26 }, x: [0, 24], y: [low, Math.max(high, ticks.at(-1))], xTicks: [0, 6, 12, 18, 24], yTicks: ticks, yLabel: unit === "1" ? "relative" : unit, printY: (tick) => print(tick) });
  const line = (row, kind) => svg("path", { class: kind, d: path(kept(row).map(([month, value]) => [axes.across(month), axes.down(value)])) });
  const label = `${title}: ${rows.map((row) => `${row.arm} ${print(kept(row)[0]?.[1])} at the start, ${print(kept(row).at(-1)?.[1])} after 24 months`).join("; ")}`;
  const drawn = drawing(width, height, label, ...axes.parts, ...past.map((row) => line(row, "ghost")), ...rows.map((row) => line(row, `curve ${colourOf(study, row.arm)}`)));
  return card({ title, name: `course-${name}-${study.name}` }, drawn, () => [
    ["study", "arm", "quantity", "month", "mean"], rows.flatMap((row) => row.months.map((month, place) => [row.study, row.arm, name, month, row.courses[name][place]]))]);
}
