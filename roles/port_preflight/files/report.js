// SPDX-FileCopyrightText: preflight.ports contributors
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";

const byId = (id) => document.getElementById(id);
const table = byId("ports");
const filter = byId("filter");

const details = new Map();
for (const section of document.querySelectorAll("section[data-host]")) details.set(section.dataset.host, section);

// Text is read once: asking the document at each key would be slow.
const ports = Array.from(table.tHead.rows[0].cells, (cell) => cell.textContent);
const rows = Array.from(table.tBodies[0].rows, (row) => ({
  row,
  section: details.get(row.dataset.host),
  host: row.dataset.host.toLowerCase(),
  states: row.dataset.states.split(" "),
  text: "",
}));
for (const each of rows) {
  const cells = Array.from(each.row.cells, (cell, column) => (cell.textContent === "–" ? "" : `${ports[column]} ${cell.textContent}`));
  each.text = [...cells, each.section?.textContent ?? ""].join(" ").toLowerCase();
}

const own = new Set(Array.from(byId("state").options, (option) => option.value));
const states = new Set(rows.flatMap((each) => each.states));
for (const state of [...states].sort()) if (!own.has(state)) byId("state").add(new Option(state));

function apply() {
  const host = byId("host").value.trim().toLowerCase();
  const words = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const state = byId("state").value;
  let shown = 0;
  for (const each of rows) {
    const matches =
      each.host.includes(host) &&
      words.every((word) => each.text.includes(word)) &&
      (!state || each.states.includes(state));
    shown += matches;
    if (each.row.hidden === matches) each.row.hidden = !matches;
    if (each.section) each.section.hidden = !matches;
  }
  table.classList.toggle("narrow", byId("narrow").checked);
  byId("nothing").hidden = shown > 0;
  byId("count").textContent = `${shown} of ${rows.length} hosts`;
}

filter.addEventListener("input", apply);
filter.addEventListener("submit", (event) => event.preventDefault());
// The fields have their old values until the event is over.
filter.addEventListener("reset", () => setTimeout(apply));
filter.hidden = false;
apply();
