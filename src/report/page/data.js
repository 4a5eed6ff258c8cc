// The charts of the section "Data": bars of counts, and the sizes of the images.
"use strict";
(() => {
  /** Horizontal bars with their counts beside them: names stay readable at any width. */
  const bars = (kind) => report.chart(kind, (width) => {
    const { axis, of, bins } = report.data[kind];
    if (bins.length === 0) return null;
    const names = bins.map((b) => b.name);
    const longest = (texts) => Math.max(...texts.map((text) => text.length));
    // Room for the text beside the longest bar, in pixels of the place that names leave.
    const room = 6.8 * longest(bins.map((b) => b.text)) + 12;
    const place = Math.max(width - 7.6 * longest(names) - 22, room + 40);
    return {
      height: { step: 26 },
      data: { values: bins },
      encoding: {
        y: { field: "name", type: "nominal", scale: { domain: names }, title: null, axis: { domain: false, ticks: false, labelColor: "var(--ink)", labelFontSize: 13, labelPadding: 8, minExtent: 30 } },
        x: { field: "count", type: "quantitative", scale: { domain: [0, (Math.max(...bins.map((b) => b.count)) * place) / (place - room)], nice: false }, axis: null },
        tooltip: [{ field: "name", title: of }, { field: "text", title: axis.toLowerCase() }],
      },
      layer: [
        { mark: { type: "bar", color: "var(--accent)", height: 16, cornerRadiusEnd: 2 } },
        { mark: { type: "text", align: "left", baseline: "middle", dx: 6 }, encoding: { text: { field: "text" } } },
      ],
    };
  });
  ["labels_per_image", "aspect", "objects"].forEach(bars);

  report.chart("sizes", (width) => {
    const { side, points } = report.data.sizes;
    if (points.length === 0) return null;
    const values = points.map(([w, h, images]) => ({ w, h, images: images, size: `${w} × ${h}` })).sort((a, b) => b.images - a.images);
    const largest = Math.max(side, ...points.map(([w, h]) => Math.max(w, h))) * 1.06;
    const axis = (title) => ({ title, tickCount: Math.ceil(width / 90), format: ",d" });
    const scale = { domain: [0, largest], nice: false };
    const line = (channel) => ({ data: { values: [{ side }] }, mark: { type: "rule", strokeDash: [5, 4], strokeWidth: 1.5, color: "var(--constant)" }, encoding: { [channel]: { field: "side", type: "quantitative", scale } } });
    return {
      height: Math.min(width * 0.75, 300),
      layer: [
        line("x"),
        line("y"),
        {
          data: { values },
          mark: { type: "circle", color: "var(--accent)", opacity: 0.55, stroke: "var(--accent)", strokeWidth: 1 },
          encoding: {
            x: { field: "w", type: "quantitative", scale, axis: axis("Width (pixels)") },
            y: { field: "h", type: "quantitative", scale, axis: axis("Height (pixels)") },
            size: { field: "images", type: "quantitative", scale: { type: "sqrt", domainMin: 0, range: [12, 500] } },
            tooltip: [{ field: "size", title: "width × height" }, { field: "images", title: "images" }],
          },
        },
      ],
    };
  });
})();
