// The left side: arms, stop rule and patients, then every mechanism with its parameters and the arrows that can be cut.

import { el, symbolOf } from "./elements.js";
import { print, STEPS, toPlace, toValue } from "./scales.js";
import { change, NOW, setValue, settle } from "./setting.js";

export function buildControls(root, subject, moved) {
  const rows = [];
  const slider = (item, words) => {
    const row = buildSlider(item, words, moved);
    rows.push(row);
    return row.element;
  };
  const cut = (item) => {
    const row = buildCut(item, moved);
    rows.push(row);
    return row.element;
  };
  const fixed = buildDesign(subject, moved);
  rows.push(...fixed.rows);
  root.replaceChildren(
    section("Arms", "arms", "what each arm gives", true, ...subject.studies.map((study) => buildStudy(study, slider, moved))),
    section("Virtual trial", "design", "who stops when, and how many patients", true, fixed.element),
    ...subject.mechanisms.map((item) => section(item.label, `mechanism-${item.name}`, item.reason, false,
      item.parameters.map((parameter) => slider({ ...parameter, name: parameter.key }, parameterWords(parameter, subject.run !== null))),
      item.arrows.length ? el("fieldset", { class: "cuts" }, el("legend", {}, "Arrows"), item.arrows.map(cut)) : null)),
  );
  return {
    update: () => rows.forEach((row) => row.update()),
    find: (text) => filter(root, text.trim().toLowerCase()),
  };
}

function section(title, id, reason, open, ...content) {
  return el("details", { class: "group", id, open }, el("summary", {}, el("span", {}, title), el("span", { class: "badge", hidden: true })), reason ? el("p", { class: "quiet small" }, reason) : null, ...content);
}

function parameterWords(item, isRun) {
  const kind = item.estimated ? (isRun ? "estimate" : "estimated by a fit; in the tables") : "constant";
  const parts = [`${kind} ${print(item.value, 4)}`, `prior ${item.prior}`, item.status, item.source];
  return { words: item.words, symbol: item.symbol, unit: item.unit, about: `${item.meaning}; ${parts.join("; ")}` };
}

function buildStudy(study, slider, moved) {
  return el("div", { class: "study" }, el("h3", {}, study.title), study.arms.map((arm) => el("div", { class: "arm" },
    el("p", { class: "arm-name" }, el("strong", {}, arm.name.replaceAll("_", " ")), ` n = ${arm.n}`, el("span", { class: "quiet" }, arm.given ? ` · in the tables ${arm.given}` : " · is given nothing")),
    arm.doses.map((dose) => slider(dose, { words: dose.words, unit: dose.unit, about: "" })),
    arm.doses.length ? el("button", { type: "button", class: "small", onclick: () => moved.saveArm(study, arm) }, "Save as arm") : null)));
}

function buildSlider(item, { words, symbol, unit, about }, moved) {
  const id = `slider-${item.name}`;
  const usual = item.value;
  const shownUnit = unit === "1" ? "" : unit;
  const range = el("input", { type: "range", id, min: 0, max: STEPS, step: 1, "data-name": item.name, "aria-describedby": about ? `${id}-about` : null });
  const number = el("input", { type: "text", inputmode: "decimal", class: "number", "aria-label": `${words}${shownUnit ? ` in ${shownUnit}` : ""}`, "data-number": item.name });
  const back = el("button", { type: "button", class: "back", title: `Back to ${print(usual, 4)}`, "aria-label": `${words}: back to ${print(usual, 4)}` }, "↺");
  const current = () => NOW.setting.values[item.name] ?? usual;
  const update = () => {
    const value = current();
    range.value = toPlace(item.range, value);
    range.setAttribute("aria-valuetext", `${print(value, 4)} ${shownUnit}`);
    if (document.activeElement !== number) number.value = print(value, 4);
    const isMoved = item.name in NOW.setting.values;
    element.classList.toggle("moved", isMoved);
    back.hidden = !isMoved;
  };
  range.addEventListener("input", () => {
    setValue(item.name, toValue(item.range, Number(range.value)), usual);
    update();
    moved.moving();
  });
  range.addEventListener("change", () => finish(item.name));
  number.addEventListener("change", () => {
    const value = Number(number.value.replace(",", "."));
    if (number.value.trim() === "" || !Number.isFinite(value)) moved.refuse(`${words}: '${number.value}' is no number; write one such as ${print(usual, 4)}`);
    else setValue(item.name, value, usual);
    finish();
  });
  back.addEventListener("click", () => {
    setValue(item.name, usual, usual);
    finish();
    range.focus();
  });
  const finish = (series = null) => {
    update();
    settle(series);
    moved.rested();
  };
  const element = el("div", { class: "slider", "data-find": `${item.name} ${words} ${about}`.toLowerCase() },
    el("label", { for: id, title: about }, symbol ? symbolOf(symbol) : null, el("span", {}, words)),
    el("span", { class: "given" }, number, el("span", { class: "unit" }, shownUnit), back),
    range,
    about ? el("p", { class: "about quiet", id: `${id}-about` }, about) : null);
  return { element, update };
}

function buildCut(item, moved) {
  const box = el("input", { type: "checkbox", "data-cut": item.name });
  box.addEventListener("change", () => {
    change((setting) => {
      setting.cuts = setting.cuts.filter((name) => name !== item.name);
      if (!box.checked) setting.cuts.push(item.name);
    });
    settle();
    update();
    moved.rested();
  });
  const update = () => {
    box.checked = !NOW.setting.cuts.includes(item.name);
    element.classList.toggle("cut", !box.checked);
  };
  const element = el("label", { class: "arrow-row", title: `${item.reason} (--cut ${item.name})`, "data-find": `${item.name} ${item.label} ${item.reason}`.toLowerCase() }, box, el("span", {}, item.label));
  return { element, update };
}

function buildDesign(subject, moved) {
  const rule = el("select", { id: "rule" }, el("option", { value: "" }, subject.start.stop_rule ? subject.start.stop_rule.replaceAll("_", " ") : "each study's own"), subject.stop_rules.map((name) => el("option", { value: name }, name.replaceAll("_", " "))));
  const patients = el("select", { id: "patients" }, subject.patients.map((count) => el("option", { value: count }, String(count))));
  const seed = el("input", { id: "seed", type: "text", inputmode: "numeric", class: "number" });
  const listen = (input, edit) => input.addEventListener("change", () => {
    change(edit);
    settle();
    moved.rested();
  });
  listen(rule, (setting) => { setting.stop_rule = rule.value || null; });
  listen(patients, (setting) => { setting.patients = Number(patients.value); });
  listen(seed, (setting) => { setting.seed = /^\d+$/.test(seed.value.trim()) ? Number(seed.value) : setting.seed; seed.value = setting.seed; });
  const update = () => {
    rule.value = NOW.setting.stop_rule ?? "";
    patients.value = String(NOW.setting.patients);
    seed.value = String(NOW.setting.seed);
  };
  const field = (input, words) => el("div", { class: "field" }, el("label", { for: input.id }, words), input);
  const element = el("div", {},
    field(rule, "Treatment stops"),
    el("p", { class: "quiet small" }, subject.studies.map((study) => `${study.title}: ${study.stop_rule.replaceAll("_", " ")}`).join("; ")),
    field(patients, "Virtual patients per arm"),
    subject.run ? null : field(seed, "Their seed"));
  return { element, rows: [{ update }] };
}

function filter(root, text) {
  for (const group of root.querySelectorAll("details.group")) {
    let found = 0;
    for (const row of group.querySelectorAll("[data-find]")) {
      const shown = !text || row.dataset.find.includes(text) || group.querySelector("summary").textContent.toLowerCase().includes(text);
      row.hidden = !shown;
      found += shown ? 1 : 0;
    }
    group.hidden = text !== "" && found === 0;
    if (text && found) group.open = true;
  }
}

export function countMoves(root) {
  for (const group of root.querySelectorAll("details.group")) {
    const count = group.querySelectorAll(".slider.moved, .arrow-row.cut").length;
    const badge = group.querySelector(".badge");
    badge.hidden = count === 0;
    badge.textContent = String(count);
    badge.setAttribute("aria-label", `${count} changed`);
  }
}
