// One ticket: its forms with pictures, the advice on a reply, the number behind its look, the map, changes by others.

import { call, Problem, randomId, showErrors, toast } from "./app.js";
import { beforeEntry, element, entryRow, fill, keepDrafts } from "./brigade-frame.js";
import { Shots } from "./brigade-shots.js";
import { account, queue } from "./brigade-queue.js";
import { entriesOf } from "./brigade-store.js";

const no = document.getElementById("ticket").dataset.no;
const address = `/api/v1/tickets/${encodeURIComponent(no)}`;

// ── what waits to be sent for this ticket ──
const AFTER_SIGNING = "[data-later]";

async function showEntries() {
  const own = (await entriesOf(account)).filter((one) => one.no === no);
  const open = own.filter((one) => one.state !== "sent");
  const list = document.getElementById("own-entries");
  list.hidden = !open.length;
  list.replaceChildren(...open.map((one) => entryRow(one, true)));
  const signing = open.some((one) => one.action === "accept" && one.state === "waiting");
  for (const one of document.querySelectorAll(AFTER_SIGNING)) one.hidden = !signing;
  const sign = document.querySelector('.foot form[data-queue="accept"]');
  if (sign) sign.hidden = signing;
}

queue.addEventListener("change", showEntries);
queue.addEventListener("sent", (event) => event.detail.no === no && reloadWhenIdle());

/** The page as it is now; not under somebody's hands. */
function reloadWhenIdle() {
  if (document.querySelector("dialog[open]")) changed("工单已更新，关闭窗口后刷新可看到最新内容");
  else location.reload();
}

function changed(words) {
  const line = document.getElementById("fresh");
  const link = element("a", "", words);
  link.href = location.pathname;
  line.replaceChildren(link);
  line.hidden = false;
}

// ── refused entries come back into their form ──
async function mend(id) {
  const entry = (await entriesOf(account)).find((one) => one.id === id && one.no === no);
  const form = entry && document.querySelector(`form[data-queue="${entry.action}"]`);
  if (!entry) return;
  if (!form) return toast("现在不能再做这项操作，可以复制原来的内容后选择“不再发送”", true);
  form.dataset.entry = id;
  fill(form, entry.body);
  if (entry.action === "resolve") await shots.restore(entry.photos);
  form.closest("dialog")?.showModal();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-mend]");
  if (!link) return;
  event.preventDefault();
  mend(Number(link.dataset.mend));
});

// ── pictures and the result ──
const shots = new Shots(document.querySelectorAll(".shots"));
const resolving = document.querySelector('form[data-queue="resolve"]');
let advisedOn;

beforeEntry.set("resolve", async (form) => {
  const reply = form.elements.public_reply.value.trim() || form.elements.result.value.trim();
  if (reply !== advisedOn && (await advise(form, reply))) return { stay: true };
  return { photos: shots.entries() };
});

/** Say once what could be better about a reply; whether there is anything to read. Nothing here ever keeps it from going out. */
async function advise(form, reply) {
  advisedOn = reply;
  const box = form.querySelector(".advice");
  box.hidden = true;
  if (!navigator.onLine) return false;
  let found;
  try {
    found = (await call("POST", `${address}/check-reply`, { reply })).findings;
  } catch {
    return false; // a dead spot: the result goes into the queue unchecked
  }
  if (!found.length) return false;
  const list = element("ul");
  for (const one of found) list.append(element("li", one.severity === "serious" ? "advice-serious" : "", one.reason));
  box.replaceChildren(element("p", "", "答复可以这样改进；也可以再按一次“提交办结”直接提交："), list);
  box.hidden = false;
  box.scrollIntoView({ block: "nearest" });
  return true;
}

resolving?.addEventListener("entered", () => {
  shots.clear();
  resolving.querySelector(".advice").hidden = true;
});

document.addEventListener("click", (event) => {
  const phrase = event.target.closest("[data-phrase]");
  if (!phrase) return;
  const area = phrase.closest("form").elements.result;
  area.setRangeText(phrase.dataset.phrase, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.focus();
});

// ── the reporter's number ──
const look = document.getElementById("look-form");
let lookKey;
const askWhy = () => (look.elements.reason.closest(".field").hidden = look.elements.why.value !== "");
look?.elements.why.addEventListener("change", askWhy);
if (look) askWhy();
look?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const reason = look.elements.why.value || look.elements.reason.value.trim();
  lookKey ??= randomId();
  try {
    const told = await call("POST", `${address}/reporter`, { reason }, { "Idempotency-Key": lookKey });
    lookKey = undefined;
    showReporter(told);
    look.closest("dialog").close();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status) lookKey = undefined;
    const rest = showErrors(look, problem);
    if (rest.length || !problem.body?.errors?.length) toast(problem.status ? problem.message : "没有网络，号码需要联网查看", true);
  }
});

function showReporter(told) {
  const box = document.getElementById("told");
  const rows = [element("p", "", told.name || "未留姓名")];
  for (const number of new Set([told.phone, told.contact].filter(Boolean))) {
    const link = element("a", "button button-main button-large button-wide numbers", `拨打 ${number}`);
    link.href = `tel:${number.replace(/[^\d+]/g, "")}`;
    rows.push(link);
  }
  const record = element("button", "button button-wide", "通话后填写联系记录");
  record.type = "button";
  record.dataset.open = "do-contact";
  if (document.getElementById("do-contact")) rows.push(record);
  box.replaceChildren(...rows);
  box.hidden = false;
  document.getElementById("ask").hidden = true;
  document.getElementById("content").textContent = told.content;
  box.scrollIntoView({ block: "center" });
}

// ── the map ──
async function showMap() {
  const frame = document.getElementById("map");
  if (!frame || !window.L) return;
  const { longitude, latitude, cell, tiles, attribution } = frame.dataset;
  let outline;
  try {
    const all = await (await fetch("/map/cells.geojson")).json();
    outline = all.features.find((one) => one.properties.code === cell);
  } catch {
    return;
  }
  if (!outline && !longitude) return;
  frame.hidden = false;
  const map = L.map(frame, { zoomControl: false, attributionControl: Boolean(attribution), scrollWheelZoom: false, keyboard: false });
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--brand").trim();
  const area = outline && L.geoJSON(outline, { style: { color: colour, weight: 2, fillOpacity: 0.12 } });
  const point = longitude && L.latLng(Number(latitude), Number(longitude));
  const bounds = area ? area.getBounds() : L.latLngBounds(point, point);
  map.fitBounds(point ? bounds.extend(point) : bounds, { maxZoom: 16, padding: [12, 12], animate: false });
  if (tiles) L.tileLayer(tiles, { attribution, maxZoom: 18 }).addTo(map);
  area?.addTo(map);
  if (point) L.circleMarker(point, { radius: 9, color: "#fff", weight: 2, fillColor: "#b01f27", fillOpacity: 1 }).addTo(map);
}

// ── changes by others ──
const stream = new EventSource("/api/v1/stream");
stream.addEventListener("ticket", (event) => {
  const told = JSON.parse(event.data);
  if (told.ticket_no === no && told.action !== "reporter_seen") changed("工单有新的变化，点此查看");
});
addEventListener("pagehide", () => stream.close());

showEntries();
showMap();
await keepDrafts();
const wanted = Number(new URLSearchParams(location.search).get("entry"));
if (wanted) mend(wanted);
