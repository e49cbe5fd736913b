// What a button does besides moving something: an arm is saved, a text is copied.

import { ask } from "./asking.js";
import { save } from "./exporting.js";
import { NOW } from "./setting.js";

export async function saveArm(study, arm, { tell, refuse }) {
  const name = prompt(`Name of the new arm of ${study.title}, with the doses of '${arm.name}' as they are now (parameters are no part of it)`, `${arm.name}_new`);
  if (!name) return;
  try {
    const { archive, told } = await ask("arm", { setting: NOW.setting, study: study.name, arm: arm.name, name });
    if (archive) save(`${name}.zip`, "application/zip", new Blob([Uint8Array.from(atob(archive), (letter) => letter.charCodeAt(0))], { type: "application/zip" }));
    tell(told);
  } catch (error) {
    refuse(error.message);
  }
}

export async function copy(button, text) {
  button.dataset.label ??= button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    prompt("Copy this", text);
  }
  setTimeout(() => { button.textContent = button.dataset.label; }, 1500);
}
