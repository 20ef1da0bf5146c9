/** The sound of a clip as a row of strokes. */
const NS = "http://www.w3.org/2000/svg";
const HEIGHT = 40;
const STEP = 4;
const PEAK = 255;
const SHORTEST = 0.6;
/** Quiet sounds are drawn taller than they are: heard loudness grows slower than level. */
const CURVE = 0.6;

/** An SVG path with one vertical stroke a slice; ``levels`` run from 0 to 255. */
export function wavePath(levels: readonly number[]): string {
  const middle = HEIGHT / 2;
  return levels
    .map((level, index) => {
      const half = Math.max(SHORTEST, (level / PEAK) ** CURVE * (middle - 3));
      return `M${index * STEP + STEP / 2} ${(middle - half).toFixed(1)}V${(middle + half).toFixed(1)}`;
    })
    .join("");
}

export function createWaveform() {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NS, "path");
  svg.append(path);
  let drawn: readonly number[] | null = null;
  return {
    element: svg,
    render(levels: readonly number[]): void {
      if (levels === drawn) return;
      drawn = levels;
      svg.setAttribute("viewBox", `0 0 ${Math.max(1, levels.length) * STEP} ${HEIGHT}`);
      path.setAttribute("d", wavePath(levels));
    },
  };
}
