// The desk: tickets open beside their queue, keys, and a list that keeps itself fresh. Without it every link still leads to a page.

import { call, toast } from "./app.js";

const desk = document.getElementById("desk");
const queue = document.getElementById("queue");
const pane = document.getElementById("pane");
const wide = window.matchMedia("(min-width: 1000px)");
let place = 0;

/** A part of a page, as HTML from our own server. */
export async function part(address, options = {}) {
  const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";
  let response;
  try {
    response = await fetch(address, {
      credentials: "same-origin",
      ...options,
      headers: { "HX-Request": "true", "X-CSRF-Token": csrf, ...options.headers },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("网络不通，请稍后重试");
  }
  if (response.status === 401) location.reload();
  const html = await response.text();
  if (!response.ok) {
    const said = new DOMParser().parseFromString(html, "text/html").querySelector("main");
    throw new Error(said?.querySelector("p:not(.hint)")?.textContent.trim() || "没有取到最新内容，请稍后重试");
  }
  return html;
}

const opened = () => document.getElementById("ticket")?.dataset.no ?? "";
const rows = () => [...(queue?.querySelectorAll(".desk-row") ?? [])];

function markOpened() {
  for (const row of rows()) {
    if (row.dataset.no === opened()) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
  const at = rows().findIndex((row) => row.dataset.no === opened());
  if (at >= 0) place = at;
}

async function show(no, keepScroll = false) {
  const before = keepScroll ? pane.scrollTop : 0;
  try {
    pane.innerHTML = await part(`/desk/${encodeURIComponent(no)}${desk ? `?queue=${desk.dataset.queue}` : ""}`);
  } catch (error) {
    toast(error.message, true);
    return;
  }
  pane.scrollTop = before;
  markOpened();
  if (desk) {
    const address = new URL(location.href);
    address.searchParams.set("queue", desk.dataset.queue);
    address.searchParams.set("no", no);
    history.replaceState(null, "", address);
  }
}

/** The list anew; whoever stood on a row or a tab still stands there. */
async function refreshQueue() {
  if (!desk) return;
  const focus = document.activeElement;
  const held = queue.contains(focus) ? focus.dataset.no ?? focus.getAttribute("href") : null;
  const scrolled = queue.scrollTop;
  const address = `/desk/queue?queue=${desk.dataset.queue}&page=${desk.dataset.page}&no=${encodeURIComponent(opened())}`;
  try {
    queue.innerHTML = await part(address);
  } catch {
    return; // the next change brings it
  }
  queue.scrollTop = scrolled;
  if (held) [...queue.querySelectorAll("a")].find((one) => (one.dataset.no ?? one.getAttribute("href")) === held)?.focus();
}

function step(by) {
  const list = rows();
  if (!list.length) return;
  const at = list.findIndex((row) => row.dataset.no === opened());
  const next = list[Math.min(Math.max(at < 0 ? place : at + by, 0), list.length - 1)];
  next.scrollIntoView({ block: "nearest" });
  next.focus({ preventScroll: true });
  if (wide.matches) show(next.dataset.no);
}

document.addEventListener("click", (event) => {
  const row = event.target.closest(".desk-row");
  if (row && desk && wide.matches && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    show(row.dataset.no);
  }
  if (event.target.closest("[data-refresh]")) show(opened(), true);
});

document.addEventListener("sent", (event) => {
  if (!pane?.contains(event.target) || event.target.dataset.then) return;
  show(opened(), true);
  refreshQueue();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  if (key === "?") document.getElementById("dialog-help")?.showModal();
  else if (key === "/") document.getElementById("desk-q")?.focus();
  else if (key === "j") step(1);
  else if (key === "k") step(-1);
  else {
    const button = /^[1-3trmu]$/.test(key) && pane?.querySelector(`[data-key="${key}"]`);
    if (!button || button.disabled) return;
    button.click();
  }
  event.preventDefault();
});

function follow() {
  const stream = new EventSource("/api/v1/stream");
  let waiting = 0;
  const changed = (event) => {
    const told = JSON.parse(event.data);
    if (told.ticket_no === opened()) noteChange(told.ticket_no);
    clearTimeout(waiting);
    waiting = setTimeout(refreshQueue, 800);
  };
  stream.addEventListener("ticket", changed);
  stream.addEventListener("light", changed);
  window.addEventListener("pagehide", () => stream.close());
}

/** Somebody else has changed what is open here: said, not replaced, for something may be half written. */
async function noteChange(no) {
  try {
    const ticket = await call("GET", `/api/v1/tickets/${encodeURIComponent(no)}`);
    const here = document.getElementById("ticket");
    if (here?.dataset.no === no && ticket.version > Number(here.dataset.version)) {
      document.getElementById("changed").hidden = false;
    }
  } catch {
    // whoever acts on an old version is told so then
  }
}

if (desk || opened()) {
  markOpened();
  follow();
}
