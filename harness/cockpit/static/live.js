// The live page: asks once a second for what is new, and draws the tab that is open.
import { Lines, Strips, element } from "./charts.js";
import { offerFaults, tellFaults } from "./faults.js";

const EVERY_MS = 1000;
const HIDDEN_EVERY_MS = 5000;
const KEPT_S = 1800;
const TITLES = { capacity: "Capacity", cache: "Cache", failover: "Failover", servers: "Servers", truth: "Truth" };
const FEEDS = Object.keys(TITLES);

const byId = (id) => document.getElementById(id);
const state = { test: 0, since: 0, rows: {}, open: FEEDS.find((feed) => `#${feed}` === location.hash), chosen: FEEDS.includes(location.hash.slice(1)) };
const figures = {};

function tabOf(feed) { return byId(`tab-${feed}`); }

function openTab(feed, { focus = false, chosen = false } = {}) {
  state.open = feed;
  state.chosen ||= chosen;
  for (const other of FEEDS) {
    const selected = other === feed;
    tabOf(other).setAttribute("aria-selected", String(selected));
    tabOf(other).tabIndex = selected ? 0 : -1;
    byId(`panel-${other}`).hidden = !selected;
  }
  if (chosen) history.replaceState(null, "", `#${feed}`);
  if (focus) tabOf(feed).focus();
  drawOpen();
}

function onKey(event) {
  const at = FEEDS.indexOf(state.open);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + FEEDS.length, Home: 0, End: FEEDS.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  openTab(FEEDS[to % FEEDS.length], { focus: true, chosen: true });
}

function build(charts) {
  for (const feed of FEEDS) {
    const tab = element("button", { id: `tab-${feed}`, type: "button", textContent: TITLES[feed] });
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", `panel-${feed}`);
    tab.addEventListener("click", () => openTab(feed, { chosen: true }));
    byId("tabs").append(tab);
    figures[feed] = charts.filter((chart) => chart.feed === feed).map((chart) => (chart.unit === "word" ? new Strips(chart) : new Lines(chart)));
    const grid = element("div", { className: "charts" }, ...figures[feed].map((one) => one.root));
    const panel = element("section", { id: `panel-${feed}`, tabIndex: 0 }, element("div", { id: `actions-${feed}` }), grid);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    byId("panels").append(panel);
    state.rows[feed] = [];
  }
  offerFaults(byId("actions-failover"));
  byId("tabs").addEventListener("keydown", onKey);
  byId("window").addEventListener("change", drawOpen);
  new ResizeObserver(() => figures[state.open].forEach((one) => one.fit())).observe(byId("panels"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    Object.values(figures).flat().forEach((one) => one.recolour());
    drawOpen();
  });
  openTab(state.open ?? FEEDS.at(-1));
}

function drawOpen() {
  const rows = state.rows[state.open];
  const from = (rows.at(-1)?.second ?? 0) - Number(byId("window").value);
  const shown = rows.filter((row) => row.second > from);
  for (const one of figures[state.open]) one.draw(shown);
}

function words(live) {
  const { progress } = live;
  if (!live.test) return "No test has begun in this process.";
  if (!live.going_on) return live.failure ? "Over, and not complete." : "Over.";
  return progress.state;
}

// Only what changed is written: a status that is read aloud isn't said again each second. What changes with each trial stands beside it.
function say(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function tell(live) {
  const { progress } = live;
  say("scenario", live.scenario ?? "live");
  say("status", words(live));
  say("count", progress.planned ? `(${progress.done} of ${progress.planned} trials done)` : "");
  say("failure", live.failure ?? "");
  const labels = Object.entries(progress.labels ?? {}).map(([name, text]) => `${name} ${text}`);
  say("trial", progress.arm ? [`arm ${progress.arm}`, `step ${progress.step}`, ...labels].join(" · ") : "");
  byId("progress").hidden = !progress.planned;
  byId("progress").max = progress.planned ?? 1;
  byId("progress").value = progress.done ?? 0;
  tellFaults(live);
  byId("report").hidden = !live.report;
  if (live.report) byId("report").href = live.report;
}

function take(live) {
  if (live.test !== state.test) {
    state.test = live.test;
    for (const feed of FEEDS) state.rows[feed] = [];
  }
  for (const feed of FEEDS) {
    const rows = state.rows[feed];
    for (const row of live.feeds[feed]) if (row.second > (rows.at(-1)?.second ?? 0)) rows.push(row);
    rows.splice(0, Math.max(0, rows.length - KEPT_S));
  }
  state.since = Math.max(0, ...FEEDS.map((feed) => state.rows[feed].at(-1)?.second ?? 0));
  const first = FEEDS.find((feed) => state.rows[feed].length);
  if (!state.chosen && first && first !== state.open) openTab(first);
}

async function ask() {
  const answer = await fetch(`live?since=${state.since}&test=${state.test}`);
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  return answer.json();
}

async function lookOn() {
  for (;;) {
    try {
      const live = await ask();
      take(live);
      tell(live);
      if (!document.hidden) drawOpen();
    } catch (error) {
      say("status", `No answer from the process that runs the test (${error.message}); asking again.`);
    }
    await new Promise((done) => { setTimeout(done, document.hidden ? HIDDEN_EVERY_MS : EVERY_MS); });
  }
}

build(await (await fetch("charts")).json());
await lookOn();
