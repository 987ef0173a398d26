"use strict";
// The charts, drawn by plotly in the colours of the style sheet from what the JSON API says.

const dark = matchMedia("(prefers-color-scheme: dark)");
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
const LINES = ["--accent", "--ember", "--good", "--warn", "--bad", "--dim"];
const CONFIG = {
  displaylogo: false,
  responsive: true,
  modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d"],
};

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function frame(x, y) {
  const axis = (title) => ({
    title: { text: title, font: { size: 12, color: colour("--dim") }, standoff: 8 },
    gridcolor: colour("--line"),
    linecolor: colour("--line-strong"),
    zeroline: false,
    tickfont: { size: 11, color: colour("--dim") },
    automargin: true,
  });
  return {
    margin: { l: 44, r: 12, t: 8, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: FONT, color: colour("--ink") },
    xaxis: axis(x),
    yaxis: axis(y),
    hovermode: "closest",
    hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line-strong"), font: { color: colour("--ink") } },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 11.5, color: colour("--dim") } },
    showlegend: true,
    uirevision: "kept", // a zoom survives the next refresh
  };
}

// plotly reads names as a kind of HTML.
function plainText(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

// A metric that is not finite is a string in the JSON, and a gap in the line.
function numbers(values) {
  return values.map((value) => (typeof value === "number" ? value : null));
}

function curve(data) {
  const { points, failed, objective } = data;
  const layout = frame("trial", "");
  layout.yaxis2 = { overlaying: "y", range: [0, 1], visible: false, fixedrange: true };
  const traces = [
    {
      name: "best so far", x: points.map((p) => p.number), y: points.map((p) => p.best), mode: "lines",
      line: { color: colour("--ember"), width: 2, shape: "hv" }, hoverinfo: "skip",
    },
    {
      name: plainText(objective), x: points.map((p) => p.number), y: points.map((p) => p.value), mode: "markers",
      marker: { color: colour("--accent"), size: 6, opacity: 0.55 },
      hovertemplate: "trial %{x}<br>%{y:.5g}<extra></extra>",
    },
  ];
  if (failed.length) {
    traces.push({
      name: "failed", x: failed.map((t) => t.number), y: failed.map(() => 0.03), text: failed.map((t) => t.state),
      mode: "markers", yaxis: "y2", marker: { color: colour("--bad"), size: 7, symbol: "x-thin-open", line: { width: 1.6 } },
      hovertemplate: "trial %{x}<br>%{text}<extra></extra>",
    });
  }
  return [traces, layout];
}

function values(data) {
  const [x, y] = data.objectives.map((text) => plainText(text.slice(4)));
  const layout = frame(x, y);
  const best = data.points.filter((p) => p.front).sort((p, q) => p.values[0] - q.values[0]);
  const others = data.points.filter((p) => !p.front);
  const points = (name, chosen, style) => ({
    name, x: chosen.map((p) => p.values[0]), y: chosen.map((p) => p.values[1]), text: chosen.map((p) => p.number),
    hovertemplate: `trial %{text}<br>${x} %{x:.5g}<br>${y} %{y:.5g}<extra></extra>`, ...style,
  });
  const traces = [
    points("trials", others.filter((p) => p.violation === 0), { mode: "markers", marker: { color: colour("--accent"), size: 6, opacity: 0.55 } }),
    points("front", best, { mode: data.objectives.length === 2 ? "lines+markers" : "markers", line: { color: colour("--ember"), width: 2 }, marker: { size: 7 } }),
  ];
  const broken = others.filter((p) => p.violation > 0);
  if (broken.length) {
    traces.push(points("breaks constraints", broken, { mode: "markers", marker: { color: colour("--bad"), size: 7, symbol: "x-thin-open", line: { width: 1.6 } } }));
  }
  return [traces, layout];
}

function epochs(data) {
  const names = [...new Set(data.flatMap((epoch) => Object.keys(epoch.metrics)))];
  const loss = (name) => name.includes("loss");
  const both = names.some(loss) && !names.every(loss);
  const layout = frame("epoch", names.length === 1 ? plainText(names[0]) : "");
  if (both) layout.yaxis2 = { ...layout.yaxis, overlaying: "y", side: "right", showgrid: false, tickmode: "auto", title: { text: "loss", font: { size: 12, color: colour("--dim") } } };
  const traces = names.map((name, i) => ({
    name: plainText(name),
    x: data.map((epoch) => epoch.number),
    y: numbers(data.map((epoch) => epoch.metrics[name])),
    mode: data.length > 1 ? "lines" : "markers",
    yaxis: both && loss(name) ? "y2" : "y",
    line: { color: colour(LINES[i % LINES.length]), width: 1.8, dash: both && loss(name) ? "dot" : "solid" },
    hovertemplate: "epoch %{x}<br>%{y:.5g}",
  }));
  return [traces, layout];
}

const DRAWN = { curve, values, epochs };
const seen = new WeakMap();

async function draw(box) {
  const data = seen.get(box);
  if (!data) return;
  const [traces, layout] = DRAWN[box.dataset.chart](data);
  await Plotly.react(box, traces, layout, CONFIG);
  if (box.dataset.chart !== "epochs" && !box.dataset.wired) {
    box.dataset.wired = "yes";
    const number = (point) => (box.dataset.chart === "curve" ? point.x : point.text);
    box.on("plotly_click", ({ points }) => { location.href = `${location.pathname}/trials/${number(points[0])}`; });
  }
}

async function load(box) {
  const answer = await fetch(box.dataset.source);
  if (!answer.ok) return; // the page says by itself that the store cannot be read
  seen.set(box, await answer.json());
  await draw(box);
}

const boxes = () => document.querySelectorAll("[data-chart]");
boxes().forEach(load);
document.addEventListener("refreshed", () => boxes().forEach(load));
dark.addEventListener("change", () => boxes().forEach(draw));
