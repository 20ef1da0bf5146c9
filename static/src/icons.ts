const NS = "http://www.w3.org/2000/svg";

/** Drawn on a 16 by 16 field; ``fill`` shapes, the others are strokes. */
const SHAPES = {
  play: { d: "M4 2.6v10.8a.6.6 0 0 0 .9.5l8.6-5.4a.6.6 0 0 0 0-1L4.9 2.1a.6.6 0 0 0-.9.5Z", fill: true },
  pause: { d: "M4 2.5h2.6v11H4zM9.4 2.5H12v11H9.4z", fill: true },
  sound: { d: "M2.5 6v4h2.6L8.5 13V3L5.1 6H2.5ZM11 5.5a3.5 3.5 0 0 1 0 5M12.8 3.6a6 6 0 0 1 0 8.8", fill: false },
  mute: { d: "M2.5 6v4h2.6L8.5 13V3L5.1 6H2.5ZM11.2 6.2l3.4 3.6M14.6 6.2l-3.4 3.6", fill: false },
  loop: {
    d: "M3 9.5V8a3 3 0 0 1 3-3h6.5M10.5 3l2.2 2-2.2 2M13 6.5V8a3 3 0 0 1-3 3H3.5M5.5 13l-2.2-2 2.2-2",
    fill: false,
  },
  full: { d: "M2.8 6V2.8H6M10 2.8h3.2V6M13.2 10v3.2H10M6 13.2H2.8V10", fill: false },
  star: { d: "m8 1.8 1.9 3.9 4.3.6-3.1 3 .7 4.3L8 11.6l-3.8 2 .7-4.3-3.1-3 4.3-.6L8 1.8Z", fill: false },
  more: { d: "M3.2 8h.01M8 8h.01M12.8 8h.01", fill: false },
  again: { d: "M13 8a5 5 0 1 1-1.6-3.7M13.2 2v3h-3", fill: false },
  cross: { d: "m4 4 8 8M12 4l-8 8", fill: false },
  theme: { d: "M8 2a6 6 0 1 0 0 12V2Z", fill: true },
  help: { d: "M6 6.2A2 2 0 1 1 8.6 8c-.5.2-.6.5-.6 1M8 11.6h.01", fill: false },
} as const;

export type IconName = keyof typeof SHAPES;

/** A picture for a control that has a name of its own. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", SHAPES[name].fill ? "icon solid" : "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", SHAPES[name].d);
  svg.append(path);
  return svg;
}
