// Live view on a camera's page. Nothing is fetched before the operator asks for it: each look is on record.
"use strict";

const live = document.getElementById("live");
const video = live.querySelector("video");
const thumbnail = live.querySelector("img");
const buttons = { watch: document.getElementById("watch"), look: document.getElementById("look") };
const THUMBNAIL_MS = 5000;
let timer;

function stop() {
  clearInterval(timer);
  timer = undefined;
  video.removeAttribute("src");
  video.load();
  video.hidden = thumbnail.hidden = true;
  buttons.watch.textContent = "Watch";
  buttons.look.textContent = "A thumbnail every 5 s";
}

function showMessage(text) {
  document.getElementById("live-message").textContent = text;
}

function watch() {
  const isWatching = !video.hidden;
  stop();
  if (isWatching) return;
  showMessage("");
  video.hidden = false;
  buttons.watch.textContent = "Stop watching";
  video.src = live.dataset.stream;
  video.play().catch(() => {});
}

function look() {
  const isLooking = timer !== undefined;
  stop();
  if (isLooking) return;
  showMessage("");
  const fetchPicture = () => { thumbnail.src = `${live.dataset.thumbnail}&at=${Date.now()}`; };
  timer = setInterval(fetchPicture, THUMBNAIL_MS);
  buttons.look.textContent = "No more thumbnails";
  fetchPicture();
}

function updateButtons() {
  const isWatchable = live.querySelector("[data-watchable]") !== null;
  for (const button of Object.values(buttons)) button.disabled = !isWatchable;
}

video.addEventListener("error", () => {
  if (video.hidden || !video.hasAttribute("src")) return;
  const canPlay = video.canPlayType("application/vnd.apple.mpegurl") !== "";
  stop();
  showMessage(canPlay ? "The live view has ended, or cannot be reached." : "This browser does not play HLS; Chromium, Chrome, Edge and Safari do.");
});
video.addEventListener("ended", () => { stop(); showMessage("The recording has ended."); });
thumbnail.addEventListener("load", () => { thumbnail.hidden = timer === undefined; });
thumbnail.addEventListener("error", () => { if (timer !== undefined) { stop(); showMessage("There is no thumbnail any more."); } });
buttons.watch.addEventListener("click", watch);
buttons.look.addEventListener("click", look);
new MutationObserver(updateButtons).observe(document.getElementById("camera_live"), { childList: true });
updateButtons();
