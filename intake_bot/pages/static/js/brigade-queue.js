// Sending what was entered, in order and once: at once where there is a connection, later where there is none. The
// Idempotency-Key of an entry lets the service know it again when an answer was lost on its way.

import { randomId } from "./app.js";
import { dropEntry, entriesOf, keepEntry } from "./brigade-store.js";

export const account = document.querySelector('meta[name="account"]')?.content ?? "";
export const queue = new EventTarget(); // "change": entries or their states; "sent": detail is the entry

const NO_NETWORK = "没有网络，有信号后自动发送";
const FIRST_RETRY = 5_000;
const LONGEST_RETRY = 60_000;
const SENT_STAYS = 86_400_000; // milliseconds for which 已发送 is still listed, without its content
let csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";
let pause = FIRST_RETRY;
let timer;
let sending;
let again = false;
export let hindrance = ""; // why nothing is being sent just now

const others = new BroadcastChannel("brigade-queue");
others.onmessage = (message) => {
  queue.dispatchEvent(new Event("change"));
  if (message.data?.sent) queue.dispatchEvent(new CustomEvent("sent", { detail: message.data.sent }));
};

function tell(sent) {
  queue.dispatchEvent(new Event("change"));
  const short = sent && { id: sent.id, no: sent.no, action: sent.action, label: sent.label };
  if (short) queue.dispatchEvent(new CustomEvent("sent", { detail: short }));
  others.postMessage({ sent: short });
}

/** Keep an entry on the phone and begin to send. `photos`: [{field, id, blob}]. With `id` it takes a refused one's place. */
export async function enter({ id, no, action, label, body, photos = [] }) {
  const entry = { account, no, action, label, body, photos, key: randomId(), state: "waiting", message: "", made: Date.now() };
  if (id !== undefined) entry.id = id;
  entry.id = await keepEntry(entry);
  tell();
  send();
  return entry.id;
}

export async function discard(id) {
  await dropEntry(id);
  tell();
  send();
}

/** Send what waits, oldest first. One tab sends at a time; calling it often does no harm. */
export function send() {
  again = true;
  sending ??= (async () => {
    while (again) {
      again = false;
      await (navigator.locks ? navigator.locks.request("brigade-send", sendWaiting) : sendWaiting());
    }
  })()
    .catch(() => later("本机存储暂时不能读取，稍后重试"))
    .finally(() => (sending = undefined));
  return sending;
}

async function sendWaiting() {
  clearTimeout(timer);
  for (;;) {
    const own = await entriesOf(account);
    for (const one of own) if (one.state === "sent" && Date.now() - one.sent > SENT_STAYS) await dropEntry(one.id);
    const stuck = new Set(own.filter((one) => one.state === "refused").map((one) => one.no));
    const next = own.find((one) => one.state === "waiting" && !stuck.has(one.no));
    if (!next) {
      hindrance = "";
      queue.dispatchEvent(new Event("change"));
      return;
    }
    const outcome = await attempt(next);
    if (outcome.later) return later(outcome.later);
    hindrance = "";
    pause = FIRST_RETRY;
    if (outcome.refused) {
      await keepEntry({ ...next, state: "refused", message: outcome.refused });
      tell();
    } else {
      await keepEntry({ ...next, state: "sent", message: "", sent: Date.now(), body: null, photos: [] });
      tell(next);
    }
  }
}

function later(words) {
  hindrance = words;
  queue.dispatchEvent(new Event("change"));
  clearTimeout(timer);
  timer = setTimeout(send, pause);
  pause = Math.min(2 * pause, LONGEST_RETRY);
}

/** One entry to the service: {} when it is done there, {later} to try again, {refused} with what the service said. */
async function attempt(entry) {
  for (const photo of entry.photos) {
    const outcome = await request("PUT", `/api/v1/pictures/${photo.id}`, photo.blob, { "Content-Type": photo.blob.type || "image/jpeg" });
    if (outcome.later || outcome.refused) return outcome;
  }
  const body = { ...entry.body };
  for (const photo of entry.photos) (body[photo.field] ??= []).push(`/pictures/${photo.id}`);
  const headers = { "Content-Type": "application/json", "Idempotency-Key": entry.key };
  return request("POST", `/api/v1/tickets/${encodeURIComponent(entry.no)}/${entry.action}`, JSON.stringify(body), headers);
}

async function request(method, address, body, headers, mayRenew = true) {
  let response, text;
  try {
    response = await fetch(address, { method, body, credentials: "same-origin", headers: { Accept: "application/json", "X-CSRF-Token": csrf, ...headers } });
    text = await response.text();
  } catch {
    return { later: NO_NETWORK };
  }
  if (response.ok) return {};
  const problem = read(text);
  if (response.status === 401) return { later: "登录已过期，重新登录后自动发送" };
  if (problem.type === "/problems/csrf" && mayRenew) {
    const hinder = await renew();
    return hinder ? { later: hinder } : request(method, address, body, headers, false);
  }
  if (response.status >= 500 || response.status === 429 || response.status === 408) return { later: "服务暂时没有应答，稍后自动重试" };
  return { refused: problem.detail || problem.title || `服务没有接受（${response.status}）` };
}

/** A page from before the last sign-in has an old token: take the new one, if the same person is signed in. */
async function renew() {
  try {
    const response = await fetch("/brigade", { headers: { Accept: "text/html" }, redirect: "manual", cache: "no-store" });
    if (!response.ok) return "登录已过期，重新登录后自动发送";
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const who = fresh.querySelector('meta[name="account"]')?.content;
    if (who !== account) return "现在登录的是另一账号，请用填写时的账号登录后发送";
    csrf = fresh.querySelector('meta[name="csrf"]').content;
    return "";
  } catch {
    return NO_NETWORK;
  }
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {}; // something between us and the service answered
  }
}

addEventListener("online", () => {
  pause = FIRST_RETRY;
  send();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) send();
});
