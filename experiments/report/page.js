(function () {
  "use strict";
  if (!window.Plotly) return;
  const data = JSON.parse(document.getElementById("data").textContent);
  const months = data.locale.code === "en" ? data.locale.months : data.locale.months.map((m) => m + "月");
  Plotly.register({
    moduleType: "locale",
    name: "report",
    dictionary: {},
    format: { months: months, shortMonths: months, date: "%Y-%m-%d" },
  });
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const config = { displayModeBar: false, responsive: true, showTips: false, doubleClick: "reset", locale: "report" };
  if (!touch) document.querySelectorAll(".zoom").forEach((note) => { note.hidden = false; });
  const drawn = new Set();
  const seeds = document.getElementById("seeds");
  let following = false;

  function draw(id) {
    const place = document.getElementById(id);
    const chart = data.charts[id];
    if (drawn.has(id) || !chart) return;
    drawn.add(id);
    const layout = Object.assign({}, chart.layout, { height: chart.height });
    if (touch) layout.dragmode = false;
    if (seeds && seeds.checked) chart.data.forEach((t) => { if (t.meta === "seed") t.visible = true; });
    place.hidden = false;
    place.parentElement.classList.add("alive");
    Plotly.newPlot(place, chart.data, layout, config).then(() => {
      if (id.startsWith("course-")) place.on("plotly_relayout", (change) => follow(id, change));
    });
  }

  function follow(from, change) {
    if (following) return;
    const range = change["xaxis.range"] || (change["xaxis.range[0]"] && [change["xaxis.range[0]"], change["xaxis.range[1]"]]);
    if (!range) return;
    following = true;
    const others = [...drawn].filter((id) => id !== from && id.startsWith("course-"));
    Promise.all(others.map((id) => Plotly.relayout(id, { "xaxis.range": range.slice() }))).finally(() => { following = false; });
  }

  if (seeds) {
    seeds.closest(".control").hidden = false;
    seeds.addEventListener("change", () => {
      for (const id of drawn) {
        const lines = data.charts[id].data.flatMap((t, k) => (t.meta === "seed" ? [k] : []));
        if (lines.length) Plotly.restyle(id, { visible: seeds.checked }, lines);
      }
    });
  }

  const places = Object.keys(data.charts);
  if ("IntersectionObserver" in window) {
    const watch = new IntersectionObserver((seen) => {
      for (const one of seen) {
        if (one.isIntersecting) {
          watch.unobserve(one.target);
          draw(one.target.querySelector(".live").id);
        }
      }
    }, { rootMargin: "600px" });
    places.forEach((id) => watch.observe(document.getElementById(id).parentElement));
  } else {
    places.forEach(draw);
  }
})();
