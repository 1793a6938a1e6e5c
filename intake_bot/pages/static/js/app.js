// What every page shares: calling the API with the page's token, forms that do so, dialogs, toasts. Pages read well without it.

const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";

/** A refusal of the API (RFC 9457), or of the network (`status` 0). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || "请求没有完成，请稍后重试");
    this.status = status;
    this.body = body;
  }
}

/** Random hexadecimal digits; `crypto.randomUUID` is not there on a page without https. */
export function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

/** Call the API. `body`: JSON data, or a Blob to be sent as it is. Gives the answer's JSON; throws Problem. */
export async function call(method, address, body, headers = {}) {
  const blob = body instanceof Blob;
  let response;
  try {
    response = await fetch(address, {
      method,
      credentials: "same-origin",
      headers: {
        Accept: "application/json",
        "X-CSRF-Token": csrf,
        ...(body === undefined ? {} : { "Content-Type": blob ? body.type || "application/octet-stream" : "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : blob ? body : JSON.stringify(body),
    });
  } catch {
    throw new Problem(0, { title: "网络不通", detail: "网络不通，内容没有发出，请稍后重试" });
  }
  const text = await response.text();
  let data = {};
  try {
    data = text ? JSON.parse(text) : {};
  } catch {
    data = {};
  }
  if (response.status === 401) {
    const next = encodeURIComponent(location.pathname + location.search);
    location.assign(`/login?next=${next}`);
    throw new Problem(401, { detail: "登录已过期，请重新登录" });
  }
  if (!response.ok) throw new Problem(response.status, data);
  return data;
}

/** Say something for a few seconds; what went wrong stays longer. `lasting`: where the page goes away meanwhile, the next says it. */
export function toast(words, wrong = false, lasting = false) {
  const one = document.createElement("div");
  one.className = wrong ? "toast toast-wrong" : "toast";
  one.textContent = words;
  document.getElementById("toasts").append(one);
  if (lasting) one.dataset.lasting = "";
  setTimeout(() => one.remove(), wrong ? 9000 : 4000);
}

const UNREAD = "toasts";
addEventListener("pagehide", () => {
  const said = [...document.querySelectorAll(".toast[data-lasting]")];
  const unread = said.map((one) => [one.textContent, one.classList.contains("toast-wrong")]);
  if (unread.length) sessionStorage.setItem(UNREAD, JSON.stringify(unread));
});
for (const [words, wrong] of JSON.parse(sessionStorage.getItem(UNREAD) ?? "[]")) toast(words, wrong);
sessionStorage.removeItem(UNREAD);

/** A form's fields as JSON: `data-type` of a field says number, list (commas or lines), boolean or omit-empty. */
export function formData(form) {
  const data = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.name === "csrf") continue;
    if (field.type === "radio" && !field.checked) continue;
    let value = field.type === "checkbox" ? field.checked : field.value;
    const type = field.dataset.type;
    if (type === "number") value = value === "" ? null : Number(value);
    if (type === "boolean") value = value === true || value === "true";
    if (type === "list") value = String(value).split(/[\n,，;；]/).map((one) => one.trim()).filter(Boolean);
    if (type === "moment" && value) value = `${value}:00+08:00`;
    if ((value === "" || value === null) && field.dataset.empty !== "keep") continue;
    place(data, field.name, value);
  }
  return data;
}

function place(data, name, value) {
  const parts = name.split(".");
  const last = parts.pop();
  let inner = data;
  for (const part of parts) inner = inner[part] ??= {};
  inner[last] = value;
}

/** Show beside each field what was wrong with it; gives what belongs to no field. */
export function showErrors(form, problem) {
  for (const frame of form.querySelectorAll(".field-wrong")) {
    frame.classList.remove("field-wrong");
    for (const input of frame.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    const help = frame.querySelector(".help");
    if (help) help.textContent = help.dataset.hint ?? "";
  }
  const rest = [];
  for (const one of problem.body?.errors ?? []) {
    const input = form.elements.namedItem(one.field);
    const frame = input instanceof Element ? input.closest(".field") : null;
    const help = frame?.querySelector(".help");
    if (!help) {
      rest.push(one.message);
      continue;
    }
    frame.classList.add("field-wrong");
    input.setAttribute("aria-invalid", "true");
    help.dataset.hint ??= help.textContent;
    help.textContent = one.message;
  }
  form.querySelector('[aria-invalid="true"]')?.focus();
  return rest;
}

/** Send a form with data-api="METHOD ADDRESS". Fires `sent` with the answer; then data-then: reload, or an address. */
async function sendForm(form) {
  const [method, address] = form.dataset.api.split(" ");
  const buttons = form.querySelectorAll("button");
  for (const one of buttons) one.disabled = true;
  const headers = form.dataset.version ? { "If-Match": `"${form.dataset.version}"` } : {};
  form.dataset.key ||= randomId();
  headers["Idempotency-Key"] = form.dataset.key;
  try {
    const answer = await call(method, address, formData(form), headers);
    delete form.dataset.key;
    if (form.dataset.done) toast(form.dataset.done, false, true);
    form.dispatchEvent(new CustomEvent("sent", { bubbles: true, detail: answer }));
    form.closest("dialog")?.close();
    const then = form.dataset.then ?? "";
    if (then === "reload") location.reload();
    else if (then) location.assign(then);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    const rest = showErrors(form, problem);
    if (problem.status && problem.status < 500) delete form.dataset.key;
    if (rest.length || !problem.body?.errors?.length) toast(rest.join("；") || problem.message, true);
  } finally {
    for (const one of buttons) one.disabled = false;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-api]") || event.defaultPrevented) return;
  event.preventDefault();
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
  sendForm(form);
});

/** Leaving clears what the phone keeps of a handler's work, wherever the button is pressed. */
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.getAttribute("action") !== "/logout" || event.defaultPrevented) return;
  event.preventDefault();
  let leaves = true;
  try {
    const { leave } = await import("./brigade-leaving.js");
    leaves = await leave();
  } catch {
    // The service itself tells the browser to clear its storage; nobody is kept from leaving.
  }
  if (leaves) form.submit();
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.open)?.showModal();
    return;
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  else if (event.target.matches("dialog")) event.target.close();
});

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = csrf;
});
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) location.reload();
  else toast("没有取到最新内容，请稍后重试", true);
});
document.addEventListener("htmx:sendError", () => toast("网络不通，请稍后重试", true));
