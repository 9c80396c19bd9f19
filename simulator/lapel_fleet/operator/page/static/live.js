// Keeps the sections of a page up to date: the server renders them, and sends those that changed.
"use strict";

const source = document.querySelector("[data-stream]");

function replace(name, html) {
  const section = document.getElementById(name);
  if (!section) return;
  const held = section.dataset.pause && document.getElementById(section.dataset.pause).checked;
  // What the operator has reached by keyboard, or marks to copy, must not move away.
  if (held || section.contains(document.activeElement) && document.activeElement !== section || isMarked(section)) {
    section.pending = html;
    return;
  }
  section.pending = undefined;
  section.innerHTML = html;
}

function isMarked(section) {
  const selection = document.getSelection();
  return selection && !selection.isCollapsed && selection.containsNode(section, true);
}

function catchUp() {
  for (const section of document.querySelectorAll("[data-live]")) {
    if (section.pending !== undefined) replace(section.id, section.pending);
  }
}

// `onReturn` is called with the stream when it is back after a loss: the server may be another one by then.
function follow(address, onUpdate, onReturn) {
  const stream = new EventSource(address);
  stream.onopen = () => {
    const wasLost = document.body.classList.contains("lost");
    document.body.classList.remove("lost");
    if (wasLost && onReturn) onReturn(stream);
  };
  stream.onerror = () => document.body.classList.add("lost");
  stream.onmessage = message => {
    const update = JSON.parse(message.data);
    for (const [name, html] of Object.entries(update.sections || {})) replace(name, html);
    if (onUpdate) onUpdate(update);
  };
  return stream;
}

document.addEventListener("focusout", () => setTimeout(catchUp));
document.addEventListener("selectionchange", catchUp);
document.addEventListener("change", catchUp);
if (source) follow(source.dataset.stream);
