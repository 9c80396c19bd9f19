// The table of all cameras. It holds every row, filters them at once, and draws the first that fit.
"use strict";

const STEP = 100;
const table = document.getElementById("cameras"), body = table.tBodies[0];
const words = document.getElementById("words"), shown = document.getElementById("shown"), more = document.getElementById("more");
const cameras = new Map();
let order = [], most = STEP, drawing = 0;

const CONDITIONS = {
  state: (row, value) => row[1] === value,
  site: (row, value) => row[0].startsWith(value + "/"),
  flag: (row, value) => row[3].includes(value),
};

function terms() {
  return words.value.split(/\s+/).filter(Boolean).map(word => {
    const [key, ...rest] = word.split("=");
    const condition = rest.length && CONDITIONS[key];
    if (condition) return row => condition(row, rest.join("="));
    const part = word.toLowerCase();
    return row => row[0].toLowerCase().includes(part);
  });
}

function cell(text, className) {
  const td = document.createElement("td");
  td.textContent = text;
  if (className) td.className = className;
  return td;
}

function drawnRow([camera, state, since, flags, battery, recording]) {
  const tr = document.createElement("tr"), head = document.createElement("th"), link = document.createElement("a");
  const lit = document.createElement("span"), second = document.createElement("td");
  head.scope = "row";
  link.href = "/camera?" + new URLSearchParams({name: camera});
  link.textContent = camera;
  lit.className = "state " + state;
  lit.textContent = state;
  head.append(link);
  second.append(lit);
  const day = since && since.slice(0, 10) === new Date().toISOString().slice(0, 10);
  tr.append(
    head, second, cell(since ? (day ? since.slice(11, 19) : since.slice(0, 16).replace("T", " ")) : "–"),
    cell(battery === null ? "–" : battery + " %", "n"), cell(flags.join(", ") || "–"), cell(recording || "–"),
  );
  return tr;
}

function draw() {
  drawing = 0;
  const conditions = terms(), fitting = order.filter(camera => conditions.every(fits => fits(cameras.get(camera))));
  const focused = body.contains(document.activeElement) ? document.activeElement.textContent : null;
  body.replaceChildren(...fitting.slice(0, most).map(camera => drawnRow(cameras.get(camera))));
  if (focused !== null) {
    for (const link of body.querySelectorAll("a")) if (link.textContent === focused) link.focus();
  }
  const rest = fitting.length - most, text = `${fitting.length} of ${order.length} cameras`;
  if (shown.textContent !== text) shown.textContent = text;
  more.hidden = rest <= 0;
  if (rest > 0) more.textContent = `Show ${Math.min(STEP, rest)} more of ${rest}`;
}

function drawSoon() {
  if (!drawing) drawing = requestAnimationFrame(draw);
}

function take({rows = [], removed = []}) {
  if (!rows.length && !removed.length) return;
  let isNew = removed.length > 0;
  for (const camera of removed) cameras.delete(camera);
  for (const row of rows) {
    isNew = isNew || !cameras.has(row[0]);
    cameras.set(row[0], row);
  }
  if (isNew) order = [...cameras.keys()].sort();
  drawSoon();
}

function fromAddress() {
  const found = new URLSearchParams(location.hash.slice(1)).get("q");
  if (found === null) return;
  words.value = found;
  most = STEP;
  draw();
  table.scrollIntoView({block: "nearest"});
}

async function start() {
  const first = await (await fetch("/rows")).json();
  cameras.clear();
  order = [];
  take({rows: first.rows});
  draw();
  follow("/stream?since=" + first.version, take, stream => { stream.close(); start(); });
}

words.addEventListener("input", () => { most = STEP; draw(); });
document.getElementById("filter").addEventListener("submit", event => event.preventDefault());
for (const button of document.querySelectorAll("[data-words]")) {
  button.addEventListener("click", () => { words.value = button.dataset.words; most = STEP; draw(); words.focus(); });
}
more.addEventListener("click", () => { most += STEP; draw(); });
addEventListener("hashchange", fromAddress);
addEventListener("keydown", event => {
  if (event.key !== "/" || /^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
  event.preventDefault();
  words.focus();
});
start().then(fromAddress);
