// The service worker of /brigade: pages that were open before stay readable without a connection. It never sends anything.

const PAGES = "brigade-pages";
const FILES = "brigade-files";
const PATIENCE = 6_000; // milliseconds after which a page that is kept is better than waiting
const MOST = { [PAGES]: 120, [FILES]: 80 };

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const servedAsKept = new Set(); // the windows that were given a page as it was kept

// The first page was loaded before there was a worker: it asks to be kept, with what it loaded. Every page asks what it is.
self.addEventListener("message", (event) => {
  if (Array.isArray(event.data?.keep)) event.waitUntil(keepAll(event.data.keep));
  if (event.data?.ask === "kept") event.source.postMessage({ kept: servedAsKept.has(event.source.id) });
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(event, request, address.pathname));
  else if (isFile(address)) event.respondWith(file(request));
  else if (isKeptPart(address)) event.respondWith(part(request));
});

/** A file that never changes: its address holds its fingerprint. */
function isFile(address) {
  return address.pathname.startsWith("/static/") && address.searchParams.has("v");
}

function isKeptPart(address) {
  return address.pathname.startsWith("/static/") || address.pathname.startsWith("/pictures/") || address.pathname === "/map/cells.geojson";
}

async function keepAll(addresses) {
  for (const one of addresses) {
    const address = new URL(one, self.location.origin);
    if (address.origin !== self.location.origin) continue;
    const isPage = address.pathname.startsWith("/brigade");
    try {
      const response = await fetch(address.href, { redirect: "manual" });
      if (response.ok) await keep(isPage || !address.pathname.startsWith("/static/") ? PAGES : FILES, isPage ? address.pathname : address.href, response);
    } catch {
      return; // no connection any more: what is kept so far is kept
    }
  }
}

/** From the network; where there is none, or it takes too long, as it was kept. */
async function page(event, request, path) {
  const fresh = fetch(request).then(async (response) => {
    if (response.type === "opaqueredirect") await caches.delete(PAGES); // signed out: nothing stays readable
    else if (response.ok) await keep(PAGES, path, response.clone());
    else if (response.status === 403 || response.status === 404) await (await caches.open(PAGES)).delete(path);
    return response;
  });
  event.waitUntil(fresh.catch(() => undefined));
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  const first = await Promise.race([fresh, late]).catch(() => undefined);
  if (first && first.status < 500) return first;
  const kept = await (await caches.open(PAGES)).match(path);
  if (!kept) return first ?? fresh.catch(() => nothing());
  servedAsKept.add(event.resultingClientId);
  return kept;
}

async function file(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await keep(FILES, request, response.clone());
  return response;
}

async function part(request) {
  const name = new URL(request.url).pathname.startsWith("/pictures/") ? PAGES : FILES;
  try {
    const response = await fetch(request);
    if (response.ok) await keep(name, request, response.clone());
    return response;
  } catch {
    return (await caches.match(request)) ?? Response.error();
  }
}

async function keep(name, key, response) {
  const cache = await caches.open(name);
  await cache.put(key, response);
  const keys = await cache.keys();
  for (const one of keys.slice(0, Math.max(0, keys.length - MOST[name]))) await cache.delete(one);
}

async function nothing() {
  const files = await (await caches.open(FILES)).keys();
  const style = files.find((one) => new URL(one.url).pathname === "/static/css/app.css");
  const words = "<!doctype html><html lang=zh-CN><meta charset=utf-8><meta name=viewport content='width=device-width'><title>没有网络</title>" +
    (style ? `<link rel=stylesheet href="${style.url}">` : "") + "<body class=narrow><main><section class='card card-centre'><h1>没有网络</h1>" +
    "<p>这一页没有在本机打开过，暂时无法显示。有信号后请重新打开。</p>" +
    "<p class=row><a class='button button-main' href=/brigade>返回任务列表</a></p></section></main>";
  return new Response(words, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8" } });
}
