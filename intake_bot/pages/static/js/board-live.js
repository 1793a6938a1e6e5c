// The live part of the board and of the wall screen: fetched again when something has happened, and it says how old it is.

const QUIET = 1500; // milliseconds without a further event before it is fetched
const LONGEST = 8000; // but no event waits longer than this
const AGAIN = 5000; // until a closed stream is opened anew

const now = document.getElementById("now");
const live = document.getElementById("live");
const words = document.getElementById("live-words");
const every = Number(now.dataset.every ?? 0) * 1000;
let connected = false;
let updated = new Date();
let due = null;
let since = null;
let stream = null;
let reopening = null;

function clock(at) {
  return at.toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" });
}

function tell() {
  live.dataset.state = connected ? "on" : "off";
  words.textContent = connected ? `实时更新，更新于 ${clock(updated)}` : `连接中断，正在重连；以下为 ${clock(updated)} 的情况`;
}

/** Fetch the live part soon: at once would be once for each event of a busy minute. */
function soon() {
  since ??= Date.now();
  clearTimeout(due);
  due = setTimeout(refresh, Math.max(0, Math.min(QUIET, since + LONGEST - Date.now())));
}

function refresh() {
  clearTimeout(due);
  since = null;
  window.htmx.trigger(now, "refresh");
}

function connect() {
  clearTimeout(reopening);
  stream = new EventSource("/api/v1/stream");
  stream.addEventListener("open", () => {
    const returned = !connected && live.dataset.state === "off";
    connected = true;
    tell();
    if (returned) refresh();
  });
  stream.addEventListener("ticket", soon);
  stream.addEventListener("light", soon);
  stream.addEventListener("error", () => {
    connected = false;
    tell();
    if (stream.readyState === EventSource.CLOSED) reopening = setTimeout(reopen, AGAIN);
  });
}

/** The browser comes back by itself after a lost line, not after a refusal: perhaps whoever was signed in is no longer. */
async function reopen() {
  const answer = await fetch("/api/v1/me").catch(() => null);
  if (answer?.status === 401) location.reload();
  else connect();
}

// Whoever moves by keyboard keeps their place: the same link is focused in the new part.
let focused = null;
now.addEventListener("htmx:beforeSwap", () => {
  const held = document.activeElement;
  focused = now.contains(held) && held.href ? held.getAttribute("href") : null;
});
now.addEventListener("htmx:afterSwap", () => {
  if (focused) now.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  updated = new Date();
  tell();
  document.dispatchEvent(new CustomEvent("board:fresh"));
});
now.addEventListener("htmx:sendError", () => {
  connected = false;
  tell();
});
// A stream that nobody ends stays open on a dead line: the browser knows sooner that there is none.
window.addEventListener("offline", () => {
  connected = false;
  tell();
});
window.addEventListener("online", () => {
  stream.close();
  clearTimeout(reopening);
  reopen();
});
window.addEventListener("pagehide", () => {
  stream.close();
  clearTimeout(reopening);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) connect();
});
if (every) setInterval(refresh, every);
connect();
