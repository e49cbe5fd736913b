// The page: asks for views while something moves, coarse ones first, and draws them.  `NOW.setting` is what was chosen.

import { copy, saveArm } from "./actions.js";
import { ask } from "./asking.js";
import { buildControls, countMoves } from "./controls.js";
import { el } from "./elements.js";
import { fill, fillBands, fillTab } from "./filling.js";
import { drawDiagram, drawEquations } from "./model.js";
import { drawCourses, drawPatients } from "./patients.js";
import { printNumber } from "./scales.js";
import { begin, can, NOW, redo, reset, settle, undo, writeFragment } from "./setting.js";
import { drawTrial } from "./trial.js";

const COARSE = 64; // virtual patients while something moves
const REST = 180; // milliseconds without a move after which it rests
const TABS = {
  trial: ["Trial", drawTrial],
  patients: ["Patients", drawPatients],
  courses: ["Mean courses", drawCourses],
  diagram: ["Diagram", drawDiagram],
  equations: ["Equations", drawEquations],
};

const $ = (id) => document.getElementById(id);
const page = { subject: null, view: null, ghost: null, ghostCourses: null, bands: null, patients: null, courses: null, diagram: null, model: null, moved: false, version: 0, shown: {}, redraw, openMechanism };
let controls = null;
let wanted = null; // "coarse" or "fine"
let busy = false;
let movedAt = 0;
let resting = 0;

async function start() {
  page.subject = await ask("subject");
  const { subject } = page;
  document.title = `${subject.run ?? subject.name} · kinimmune explore`;
  $("name").textContent = subject.run ? `${subject.name} · ${subject.run}` : subject.name;
  $("title").textContent = `${subject.title}. Parameters: ${subject.note}.`;
  $("title").title = $("title").textContent;
  begin(subject.start);
  if (!(NOW.tab in TABS)) NOW.tab = "trial";
  controls = buildControls($("settings"), subject, { moving, rested, refuse: showError, saveArm: (study, arm) => saveArm(study, arm, { tell: (text) => showStatus("fine", text), refuse: showError }) });
  buildTabs();
  update();
  page.ghost = await ask("view", { setting: subject.start });
  rested();
}

function moving() {
  movedAt = performance.now();
  page.version += 1;
  update();
  want("coarse");
  clearTimeout(resting);
  resting = setTimeout(rested, REST);
}

function rested() {
  clearTimeout(resting);
  movedAt = performance.now();
  page.version += 1;
  page.bands = page.patients = page.courses = null;
  if (page.modelCuts !== NOW.setting.cuts.join(" ")) page.model = null;
  page.modelCuts = NOW.setting.cuts.join(" ");
  update();
  want("fine");
}

function want(kind) {
  wanted = kind;
  if (!busy) work();
}

async function work() {
  busy = true;
  while (wanted) {
    const kind = wanted;
    const from = movedAt;
    wanted = null;
    showStatus("busy", kind === "coarse" ? "moving" : "computing");
    try {
      if (NOW.setting.cuts.length && !page.compiled) showStatus("busy", "the first cut compiles the model with a switch on every arrow, some ten seconds");
      const { patients } = NOW.setting;
      const view = await ask("view", { setting: { ...NOW.setting, patients: kind === "coarse" ? Math.min(COARSE, patients) : patients } });
      if (NOW.setting.cuts.length) page.compiled = true;
      page.view = view;
      showError("");
      redraw();
      performance.measure(kind, { start: from, end: performance.now() });
      showStatus(kind, `${view.patients} virtual patients per arm, ${Math.round(performance.now() - from)} ms${view.failed ? `, ${view.failed} failed` : ""}`);
      if (kind === "fine" && !wanted) finish();
    } catch (error) {
      showError(error.message);
      showStatus("failed", "not computed");
    }
  }
  busy = false;
}

// At rest: the address, what is spoken, what the open tab shows besides, and bands.
function finish() {
  history.replaceState(null, "", `#${writeFragment()}`);
  speak();
  fill(page, fillTab, showError);
  if (page.subject.run) fill(page, fillBands, showError);
}

function redraw() {
  if (!page.view) return;
  page.moved = can().reset;
  const panel = $(`panel-${NOW.tab}`);
  const kept = document.activeElement?.getAttribute("name"); // a choice within the panel keeps the keyboard
  const width = Math.max(panel.clientWidth, 280);
  panel.replaceChildren(...TABS[NOW.tab][1](page, width).filter(Boolean));
  if (kept && document.activeElement === document.body) panel.querySelector(`input[name="${CSS.escape(kept)}"]:checked`)?.focus();
}

function update() {
  controls.update();
  countMoves($("settings"));
  const possible = can();
  $("undo").disabled = !possible.undo;
  $("redo").disabled = !possible.redo;
  $("reset").disabled = !possible.reset;
}

function buildTabs() {
  const names = Object.keys(TABS);
  $("tabs").replaceChildren(...names.map((name) => el("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, onclick: () => openTab(name) }, TABS[name][0])));
  $("panels").replaceChildren(...names.map((name) => el("div", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, class: "panel" })));
  $("tabs").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = names[(names.indexOf(NOW.tab) + by + names.length) % names.length];
    openTab(next);
    $(`tab-${next}`).focus();
  });
  openTab(NOW.tab);
}

function openTab(name) {
  NOW.tab = name;
  for (const other of Object.keys(TABS)) {
    const chosen = other === name;
    $(`tab-${other}`).setAttribute("aria-selected", chosen);
    $(`tab-${other}`).tabIndex = chosen ? 0 : -1;
    $(`panel-${other}`).hidden = !chosen;
  }
  if (!page.view) return;
  redraw();
  if (!busy) {
    history.replaceState(null, "", `#${writeFragment()}`);
    fill(page, fillTab, showError);
  }
}

function openMechanism(name) {
  const group = $(`mechanism-${name}`);
  if (!group) return;
  group.open = true;
  group.scrollIntoView({ block: "start", behavior: "smooth" });
  group.querySelector("summary").focus({ preventScroll: true });
}

function showStatus(state, text) {
  $("status").dataset.state = state;
  $("status-text").textContent = text;
}

function showError(text) {
  $("alert").hidden = !text;
  $("alert").textContent = text;
}

function speak() {
  const ratios = page.view.ratios.filter((row) => row.value !== null).map((row) => `${row.study} ${row.arm} ${row.endpoint} ${printNumber("hazard_ratio", row.value)}`);
  $("spoken").textContent = `Computed. Hazard ratios: ${ratios.join(", ")}`.replaceAll("_", " ");
}

function goBack(step) {
  if (step()) rested();
}

$("undo").addEventListener("click", () => goBack(undo));
$("redo").addEventListener("click", () => goBack(redo));
$("reset").addEventListener("click", () => { reset(); rested(); });
$("copy-command").addEventListener("click", (event) => copy(event.currentTarget, page.view.command));
$("copy-link").addEventListener("click", (event) => copy(event.currentTarget, `${location.origin}/#${writeFragment()}`));
$("find").addEventListener("input", (event) => controls.find(event.target.value));
$("theme").addEventListener("click", (event) => {
  const order = ["system", "light", "dark"];
  const next = order[(order.indexOf(document.documentElement.dataset.theme ?? "system") + 1) % 3];
  document.documentElement.dataset.theme = next;
  event.currentTarget.textContent = `Theme: ${next}`;
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.target.matches("input[type=text], input[type=search]")) return;
  event.preventDefault();
  goBack(event.shiftKey ? redo : undo);
});
window.addEventListener("hashchange", () => {
  settle();
  begin(page.subject.start);
  openTab(NOW.tab in TABS ? NOW.tab : "trial");
  rested();
});
let lastWidth = 0;
new ResizeObserver(([entry]) => {
  if (Math.abs(entry.contentRect.width - lastWidth) < 2) return;
  lastWidth = entry.contentRect.width;
  redraw();
}).observe($("panels"));

start().catch((error) => {
  showError(error.message);
  showStatus("failed", "not ready");
});
