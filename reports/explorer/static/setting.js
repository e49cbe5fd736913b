// What was chosen: values, cut arrows, stop rule, virtual patients; what can be undone; the fragment of the address.

export const NOW = { setting: null, start: null, tab: "trial" };
const past = [];
const future = [];

const copy = (setting) => structuredClone(setting);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export function begin(start) {
  NOW.start = copy(start);
  NOW.setting = readFragment(start);
  past.length = future.length = 0;
}

let before = null; // as it was when a change began, such as the drag of a slider

export function change(edit) {
  before ??= copy(NOW.setting);
  edit(NOW.setting);
}

let last = { what: null, when: 0 };
const SERIES = 1000; // milliseconds within which steps of one slider, as by its keys, are one change

export function settle(what = null) {
  if (before !== null && !same(before, NOW.setting)) {
    const goesOn = what !== null && what === last.what && performance.now() - last.when < SERIES;
    if (!goesOn) past.push(before);
    future.length = 0;
    last = { what, when: performance.now() };
  }
  before = null;
}

export function undo() {
  return step(past, future);
}

export function redo() {
  return step(future, past);
}

function step(from, to) {
  settle();
  if (!from.length) return false;
  last = { what: null, when: 0 };
  to.push(copy(NOW.setting));
  NOW.setting = from.pop();
  return true;
}

export function reset() {
  change((setting) => Object.assign(setting, copy(NOW.start)));
  settle();
}

export function can() {
  return { undo: past.length > 0, redo: future.length > 0, reset: !same(NOW.setting, NOW.start) };
}

export function setValue(name, value, usual) {
  change((setting) => {
    if (value === usual) delete setting.values[name];
    else setting.values[name] = value;
  });
}

// Of the address: NAME=VALUE of what was set; @cut, @rule, @patients, @seed, @tab where they are not as at the start.
export function writeFragment() {
  const { values, cuts, stop_rule: rule, patients, seed } = NOW.setting;
  const parts = Object.entries(values).map(([name, value]) => [name, value]);
  parts.push(...cuts.map((name) => ["@cut", name]));
  if (rule !== NOW.start.stop_rule) parts.push(["@rule", rule ?? "own"]);
  if (patients !== NOW.start.patients) parts.push(["@patients", patients]);
  if (seed !== NOW.start.seed) parts.push(["@seed", seed]);
  if (NOW.tab !== "trial") parts.push(["@tab", NOW.tab]);
  const spell = (text) => encodeURIComponent(text).replaceAll("%3A", ":").replaceAll("%40", "@");
  return parts.map(([name, value]) => `${spell(name)}=${spell(String(value))}`).join("&");
}

function readFragment(start) {
  const setting = { ...copy(start), values: {}, cuts: [] };
  for (const part of location.hash.slice(1).split("&").filter(Boolean)) {
    const [name, value] = part.split("=").map(readWord);
    if (name === "@cut") setting.cuts.push(value);
    else if (name === "@rule") setting.stop_rule = value === "own" ? null : value;
    else if (name === "@patients") setting.patients = Number(value);
    else if (name === "@seed") setting.seed = Number(value);
    else if (name === "@tab") NOW.tab = value;
    else if (value !== undefined && value !== "" && Number.isFinite(Number(value))) setting.values[name] = Number(value);
  }
  return setting;
}

function readWord(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
