// What is computed besides the view: patients, courses, the diagram, bands.

import { ask } from "./asking.js";
import { NOW } from "./setting.js";

// An answer to a setting of before is dropped.
export async function fill(page, work, refuse) {
  const { version } = page;
  try {
    const changed = await work(page, structuredClone(NOW.setting), () => version === page.version);
    if (changed && version === page.version) page.redraw();
  } catch (error) {
    if (version === page.version) refuse(error.message);
  }
}

export async function fillTab(page, setting, isNow) {
  const need = { patients: ["patients"], courses: ["ghostCourses", "courses"], diagram: ["diagram", "model"], equations: ["model"] }[NOW.tab] ?? [];
  const asked = { patients: setting, courses: setting, ghostCourses: page.subject.start, diagram: setting, model: setting };
  let changed = false;
  for (const name of need.filter((item) => !page[item])) {
    const found = await ask(name.replace("ghostCourses", "courses"), { setting: asked[name] });
    if (!isNow()) return false;
    page[name] = found;
    changed = true;
  }
  return changed;
}

export async function fillBands(page, setting, isNow) {
  while (isNow()) {
    const found = await ask("bands", { setting });
    if (found && isNow()) page.bands = found;
    if (found) return true;
    await new Promise((resolve) => { setTimeout(resolve, 300); }); // others were waiting
  }
  return false;
}
