// The citizen's page: send a turn without leaving the page, pictures, position. Without it the page works by plain forms.

import { randomId, toast } from "./app.js";

const talk = () => document.getElementById("talk");
const composer = () => document.getElementById("composer");
const messages = () => document.getElementById("messages");
let sending = false;

function toLatest() {
  const list = messages();
  list.scrollTop = list.scrollHeight;
}

function bubble(words, mine, key) {
  const one = document.createElement("div");
  one.className = mine ? "bubble bubble-mine bubble-waiting" : "bubble dots";
  one.dataset.key = key;
  const line = document.createElement("p");
  line.textContent = words;
  one.append(line);
  messages().append(one);
  toLatest();
  return one;
}

/** Put the bureau's answer in place: only bubbles that are new are added, so that a screen reader reads only these. */
function receive(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const waiting of messages().querySelectorAll(".bubble-waiting, .bubble-failed, .dots")) waiting.remove();
  const known = new Set([...messages().children].map((one) => one.dataset.key));
  for (const one of fresh.querySelectorAll("#messages > .bubble")) {
    if (!known.has(one.dataset.key)) messages().append(document.adoptNode(one));
  }
  const draft = composer().elements.text.value;
  const focused = document.activeElement?.id === "text";
  const open = talk().querySelector(".understood")?.open;
  composer().replaceWith(document.adoptNode(fresh.getElementById("composer")));
  prepare();
  composer().elements.text.value = draft;
  const understood = talk().querySelector(".understood");
  if (understood && open) understood.open = true;
  if (focused || matchMedia("(pointer: fine)").matches) composer().elements.text.focus({ preventScroll: true });
  toLatest();
}

/** Send one turn. The same turn sent again is harmless: its number stays. */
async function send(fields, shown) {
  if (sending) return;
  sending = true;
  const data = new URLSearchParams({ turn: composer().elements.turn.value, ...fields });
  const mine = bubble(shown, true, `t-${data.get("turn")}`);
  const waiting = bubble("", false, "waiting");
  waiting.setAttribute("aria-label", "正在处理");
  try {
    const response = await fetch("/conversation", {
      method: "POST",
      body: data,
      credentials: "same-origin",
      headers: { "X-Part": "talk" },
      signal: AbortSignal.timeout(30_000),
    });
    if (!response.ok) throw new Error(String(response.status));
    if (fields.text !== undefined) composer().elements.text.value = "";
    receive(await response.text());
  } catch {
    waiting.remove();
    mine.className = "bubble bubble-mine bubble-failed";
    const again = document.createElement("button");
    again.type = "button";
    again.className = "button button-small";
    again.textContent = "没有发出，点此重发";
    again.addEventListener("click", () => {
      mine.remove();
      send(fields, shown);
    });
    mine.append(again);
    toLatest();
  } finally {
    sending = false;
  }
}

/** Make a picture small before it travels; what cannot be drawn is sent as it is. */
async function smaller(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, 1600 / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob((made) => done(made ?? file), "image/jpeg", 0.85));
  } catch {
    return file;
  }
}

async function sendPictures(files) {
  const sent = [];
  for (const file of [...files].slice(0, 9)) {
    const id = randomId();
    try {
      const body = await smaller(file);
      const response = await fetch(`/conversation/pictures/${id}`, { method: "PUT", body, credentials: "same-origin" });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.detail);
      sent.push(id);
    } catch (error) {
      toast(`${file.name}：${error.message && !/fetch/i.test(error.message) ? error.message : "没有传上来，请重试"}`, true);
    }
  }
  if (sent.length) await send({ photos: sent.join(",") }, `（发送 ${sent.length} 张照片）`);
}

function sendPoint(longitude, latitude) {
  return send({ longitude: longitude.toFixed(6), latitude: latitude.toFixed(6) }, "（发送了定位）");
}

function sendHere() {
  if (!navigator.geolocation) {
    toast("这个浏览器不能定位，请直接写地点，或在地图上点选", true);
    return;
  }
  toast("正在定位……");
  navigator.geolocation.getCurrentPosition(
    (found) => sendPoint(found.coords.longitude, found.coords.latitude),
    (error) => toast(error.code === 1 ? "没有得到定位权限，请直接写地点，或在地图上点选" : "没有定位成功，请直接写地点，或在地图上点选", true),
    { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 },
  );
}

let map;
let chosen;

async function openMap() {
  const frame = document.getElementById("map");
  document.getElementById("map-dialog").showModal();
  if (map) return;
  try {
    await load(frame);
  } catch {
    document.getElementById("map-place").textContent = "地图没有打开，请直接写地点。";
  }
}

async function load(frame) {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = frame.dataset.style;
  document.head.append(style);
  await new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = frame.dataset.script;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  const cells = await (await fetch(frame.dataset.cells)).json();
  const L = window.L;
  map = L.map(frame, { attributionControl: Boolean(frame.dataset.attribution) });
  if (frame.dataset.tiles) L.tileLayer(frame.dataset.tiles, { attribution: frame.dataset.attribution, maxZoom: 19 }).addTo(map);
  const areas = L.geoJSON(cells, {
    style: { color: "#1b5e9b", weight: 1, fillOpacity: frame.dataset.tiles ? 0.05 : 0.12 },
    onEachFeature: (feature, layer) => layer.bindTooltip(feature.properties.name, { permanent: !frame.dataset.tiles, direction: "center", className: "cell-name" }),
  }).addTo(map);
  map.fitBounds(areas.getBounds());
  const pin = L.circleMarker([0, 0], { radius: 9, color: "#b01f27", weight: 3, fillColor: "#fff", fillOpacity: 1 });
  map.on("click", (event) => {
    chosen = event.latlng;
    pin.setLatLng(chosen).addTo(map).bringToFront();
    document.getElementById("map-place").textContent = `已选：东经 ${chosen.lng.toFixed(5)}，北纬 ${chosen.lat.toFixed(5)}`;
    document.getElementById("map-send").disabled = false;
  });
}

document.getElementById("map-send").addEventListener("click", () => {
  document.getElementById("map-dialog").close();
  if (chosen) sendPoint(chosen.lng, chosen.lat);
});

/** What the line to write on can do with a script; done again whenever it is replaced. */
function prepare() {
  const form = composer();
  form.querySelector(".tools").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter;
    const text = form.elements.text.value.trim();
    if (button?.value) send({ choice: button.value }, button.textContent);
    else if (text) send({ text }, text);
  });
  form.elements.text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector(".line .button"));
  });
  form.addEventListener("click", (event) => {
    const tool = event.target.closest("[data-tool]")?.dataset.tool;
    if (tool === "photo") form.querySelector("#photo").click();
    if (tool === "here") sendHere();
    if (tool === "map") openMap();
  });
  form.querySelector("#photo").addEventListener("change", (event) => {
    sendPictures(event.target.files);
    event.target.value = "";
  });
}

prepare();
toLatest();
