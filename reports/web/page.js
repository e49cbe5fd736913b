"use strict";
const make = (tag, text, add) => Object.assign(document.createElement(tag), {textContent: text}, add);
const read = cell => cell.textContent.trim().replaceAll("−", "-");
const digits = text => text.replace(/[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]/g, sign => "-0123456789"["⁻⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(sign)]);
const number = text => { const found = text.match(/^-?\d*\.?\d+(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?/);
  return found ? parseFloat(found[0]) * 10 ** (found[1] ? +digits(found[1]) : 0) : NaN; };
const compare = (a, b) => { const [x, y] = [number(a), number(b)];
  return isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) || a.localeCompare(b, "en") : x - y; };

document.querySelectorAll("figure.table").forEach(figure => {
  const table = figure.querySelector("table"), body = table.tBodies[0];
  table.querySelectorAll("thead th").forEach((head, place) => {
    if (!head.textContent) return;
    const button = make("button", head.textContent, {type: "button"});
    button.onclick = () => {
      const up = head.ariaSort !== "ascending";
      table.querySelectorAll("thead th").forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      body.querySelectorAll(".again").forEach(cell => cell.classList.remove("again"));
      const rows = [...body.rows].sort((a, b) => compare(read(a.cells[place]), read(b.cells[place])));
      body.append(...(up ? rows : rows.reverse()));
    };
    head.replaceChildren(button);
  });
  const save = make("button", "Table as CSV", {type: "button"});
  save.onclick = () => {
    const lines = [...table.rows].map(row => [...row.cells].map(cell => `"${read(cell).replaceAll('"', '""')}"`).join(","));
    const url = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], {type: "text/csv"}));
    make("a", "", {href: url, download: figure.querySelector("figcaption strong").textContent.replace(/\W+/g, "") + ".csv"}).click();
    URL.revokeObjectURL(url);
  };
  figure.append(make("p", "", {className: "tools"}));
  figure.lastChild.append(save);
});

document.querySelectorAll("figure > script").forEach(script => {
  const figure = script.parentNode, picture = figure.querySelector(".picture"), lines = JSON.parse(script.textContent);
  const dot = make("span", "", {className: "dot", hidden: true}), value = make("p", "", {className: "value"});
  let line = 0, place = -1;
  value.setAttribute("aria-live", "polite");
  picture.append(dot);
  picture.after(value);
  picture.tabIndex = 0;
  picture.setAttribute("role", "group");
  picture.setAttribute("aria-label", "Figure with values: left and right go along a line, up and down to another");
  const show = () => {
    const own = lines[line], [x, y, across, up] = own.p[place];
    Object.assign(dot.style, {left: `${x / 100}%`, top: `${y / 100}%`});
    dot.hidden = false;
    value.textContent = `${own.n ? own.n + ": " : ""}${own.x || "x"} ${across}, ${own.y || "y"} ${up}`;
  };
  picture.onpointermove = event => {
    const box = picture.getBoundingClientRect(), near = [Infinity];
    lines.forEach((own, i) => own.p.forEach(([x, y], j) => {
      const far = Math.hypot(event.clientX - box.x - x * box.width / 1e4, event.clientY - box.y - y * box.height / 1e4);
      if (far < near[0]) near.splice(0, 3, far, i, j);
    }));
    if (near[0] < 30) { [, line, place] = near; show(); }
  };
  picture.onkeydown = event => {
    const along = {ArrowRight: 1, ArrowLeft: -1}[event.key] || 0, other = {ArrowDown: 1, ArrowUp: -1}[event.key] || 0;
    if (!along && !other) return;
    event.preventDefault();
    line = (line + other + lines.length) % lines.length;
    const last = lines[line].p.length - 1;
    place = Math.max(0, Math.min(last, place + along));
    show();
  };
});
