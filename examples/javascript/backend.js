// A small fleet back end in JavaScript, written from docs/contract.md alone.
//
//     npm install
//     node backend.js mqtt://127.0.0.1:1883 demo events.jsonl
//
// The last argument is its database: one line for each message that it used. It answers questions on standard input, a
// line each: {"camera": "home/cam-0001"} gives {"state": "buffering", "session": "…", "events": […], "recordings": […]}.

import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import mqtt from "mqtt";

const [url, agency, database] = process.argv.slice(2);

class Camera {
  state = {};
  events = new Map();
  past = new Set(); // sessions that a later one replaced

  get isOnline() {
    return this.state.state !== undefined && this.state.state !== "offline";
  }

  takeState(message, retained) {
    if (!retained && this.isOver(message)) return; // the broker's retained state is the newest
    if (message.session !== this.state.session) this.past.add(this.state.session);
    this.state = message;
  }

  // A last will has no time: if it is not of the live session, it is late. So is a message of a replaced session, unless
  // the live session is offline: then the replaced one may return.
  isOver(message) {
    if (!this.isOnline || message.session === this.state.session) return false;
    return message.time === undefined || this.past.has(message.session);
  }

  takeEvent(message) {
    if (!this.events.has(message.id)) this.events.set(message.id, message); // a repeat has the same id
  }

  // In the order in which they happened: by session, then by the session's monotonic clock.
  history() {
    const events = [...this.events.values()];
    const sessions = new Map();
    for (const event of events) if (!sessions.has(event.session)) sessions.set(event.session, sessions.size);
    return events.sort((a, b) => sessions.get(a.session) - sessions.get(b.session) || a.mono_s - b.mono_s);
  }

  answers() {
    const history = this.history();
    const saved = history.filter((event) => event.kind === "recording-saved");
    return {
      state: this.state.state ?? "unknown",
      session: this.state.session ?? "",
      events: history.map((event) => event.id),
      recordings: saved.map((event) => event.detail.recording),
    };
  }
}

const cameras = new Map();

function cameraOf(name) {
  if (!cameras.has(name)) cameras.set(name, new Camera());
  return cameras.get(name);
}

const isText = (value) => typeof value === "string";

function parsed(text) {
  try {
    const message = JSON.parse(text);
    return message !== null && typeof message === "object" && !Array.isArray(message) ? message : undefined;
  } catch {
    return undefined; // a broken camera's
  }
}

// Whether the message was used. Unknown topics, unknown fields and broken messages are ignored.
function take(topic, text, retained) {
  const [, , , site, name, kind, ...deeper] = topic.split("/");
  const message = deeper.length === 0 ? parsed(text) : undefined;
  if (message === undefined) return false;
  const camera = cameraOf(`${site}/${name}`);
  if (kind === "state" && isText(message.state) && isText(message.session)) camera.takeState(message, retained);
  else if (kind === "event" && isText(message.id) && isText(message.session) && typeof message.mono_s === "number")
    camera.takeEvent(message);
  else return false;
  return true;
}

if (process.env.LAPEL_EMPTY) rmSync(database, { force: true });
if (existsSync(database))
  for (const line of readFileSync(database, "utf8").split("\n").filter(Boolean)) take(...JSON.parse(line));

// The answers wait for the subscription: a back end that is asked before would know nothing.
const client = await mqtt.connectAsync(url);
client.on("message", (topic, payload, packet) => {
  const message = [topic, payload.toString(), packet.retain];
  if (take(...message)) appendFileSync(database, JSON.stringify(message) + "\n");
});
await client.subscribeAsync(`lapel/v1/${agency}/#`, { qos: 1 });

for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(cameraOf(JSON.parse(line).camera).answers()));
await client.endAsync();
