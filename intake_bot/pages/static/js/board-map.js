// The villages and communities on a map, darker the more came from there; each with its number, and the list a click away.

const frame = document.getElementById("map");
const CLASSES = 5;

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** What came from each place, as the table of the page says. */
function counts() {
  const found = new Map();
  for (const row of document.querySelectorAll("#map-table [data-place]")) {
    found.set(row.dataset.place, { count: Number(row.dataset.count), address: row.dataset.address ?? "" });
  }
  return found;
}

function degree(count, most) {
  return count ? Math.max(1, Math.ceil((count / most) * CLASSES)) : 0;
}

function paint(layer, known) {
  const most = Math.max(1, ...[...known.values()].map((one) => one.count));
  layer.eachLayer((one) => {
    const { code, name } = one.feature.properties;
    const { count, address } = known.get(code) ?? { count: 0, address: "" };
    one.setStyle({ color: token("--line-strong"), weight: 1, fillColor: token("--brand"), fillOpacity: degree(count, most) * 0.16 });
    const label = document.createElement("span");
    const number = document.createElement("b");
    number.textContent = count;
    label.append(name, " ", number);
    one.unbindTooltip();
    one.bindTooltip(label, { permanent: true, direction: "center", className: "map-label", interactive: false });
    one.off("click");
    if (address && count) one.on("click", () => location.assign(address));
  });
}

async function show() {
  const L = window.L;
  if (!frame || !L) return;
  const answer = await fetch(frame.dataset.cells);
  if (!answer.ok) return;
  const still = "still" in frame.dataset;
  const map = L.map(frame, { scrollWheelZoom: false, zoomControl: !still, dragging: !still && !L.Browser.mobile, keyboard: !still, attributionControl: Boolean(frame.dataset.attribution), zoomSnap: 0.1 });
  if (frame.dataset.tiles) L.tileLayer(frame.dataset.tiles, { attribution: frame.dataset.attribution, maxZoom: 18 }).addTo(map);
  if (!still) {
    map.zoomControl.getContainer().querySelector(".leaflet-control-zoom-in").setAttribute("aria-label", "放大地图");
    map.zoomControl.getContainer().querySelector(".leaflet-control-zoom-out").setAttribute("aria-label", "缩小地图");
  }
  const layer = L.geoJSON(await answer.json()).addTo(map);
  const fit = () => {
    map.invalidateSize({ animate: false });
    map.fitBounds(layer.getBounds(), { padding: [4, 4], animate: false });
  };
  fit();
  addEventListener("beforeprint", fit);
  paint(layer, counts());
  document.addEventListener("board:fresh", () => paint(layer, counts()));
}

show();
