// Lines drawn from the tables of the page. Each line has its own colour, mark and dash; the table stays beside the picture.

const MARKS = ["circle", "rect", "triangle"];
const DASHES = ["solid", "dashed", "dotted"];
const charts = new Map();

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function read(table, columns) {
  const heads = [...table.tHead.rows[0].cells].map((one) => one.textContent.trim());
  const rows = [...table.tBodies[0].rows];
  return {
    labels: rows.map((row) => row.cells[0].textContent.trim()),
    lines: columns.map((column) => ({
      name: heads[column],
      values: rows.map((row) => (row.cells[column].dataset.value === "" ? null : Number(row.cells[column].dataset.value))),
    })),
  };
}

function options(frame) {
  const { labels, lines } = read(document.getElementById(frame.dataset.chart), frame.dataset.columns.split(",").map(Number));
  const ink = token("--ink-soft");
  const colours = [token("--brand"), token("--yellow"), token("--green")];
  const percent = frame.dataset.unit === "%";
  const narrow = frame.clientWidth < 480 && lines.length > 2; // the legend needs a second line
  const size = parseFloat(getComputedStyle(frame).fontSize);
  return {
    animation: false,
    aria: { enabled: true, label: { description: `${frame.dataset.label}的折线图，数字见表格` } },
    color: colours,
    textStyle: { color: ink, fontFamily: token("--font"), fontSize: size },
    grid: { left: 24, right: 24, top: narrow ? 68 : 40, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: 32, textStyle: { color: ink, fontSize: size } },
    tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: (value) => (value == null ? "—" : `${value}${percent ? "%" : " 件"}`) },
    xAxis: { type: "category", data: labels, boundaryGap: labels.length < 3, axisLabel: { color: ink, fontSize: size * 0.86, hideOverlap: true }, axisLine: { lineStyle: { color: token("--line-strong") } } },
    yAxis: { type: "value", min: 0, max: percent ? 100 : undefined, minInterval: percent ? undefined : 1, axisLabel: { color: ink, fontSize: size * 0.86, formatter: percent ? "{value}%" : "{value}" }, splitLine: { lineStyle: { color: token("--line") } } },
    series: lines.map((line, place) => ({
      name: line.name,
      type: "line",
      data: line.values,
      symbol: MARKS[place],
      symbolSize: labels.length > 60 ? 4 : 7,
      showSymbol: labels.length <= 100,
      connectNulls: false,
      lineStyle: { width: 2, type: DASHES[place] },
    })),
  };
}

function draw() {
  if (!window.echarts) return;
  for (const frame of document.querySelectorAll("[data-chart]")) {
    if (!charts.has(frame)) charts.set(frame, window.echarts.init(frame, null, { renderer: "svg" }));
    charts.get(frame).setOption(options(frame), true);
  }
}

/** Another width, on paper too, may need another layout. */
function fit() {
  charts.forEach((one) => one.resize());
  draw();
}

addEventListener("resize", fit);
addEventListener("beforeprint", fit);
document.addEventListener("board:fresh", draw);
draw();
