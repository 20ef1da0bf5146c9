/** How many frames each shot's settings ask for. */
import * as Y from "yjs";

export function plannedFrames(doc: Y.Doc): Record<string, number> {
  const planned: Record<string, number> = {};
  for (const [shotId, shot] of doc.getMap("shots")) {
    const settings: unknown = shot instanceof Y.Map ? shot.get("settings") : null;
    const frames: unknown = settings instanceof Y.Map ? settings.get("frames") : null;
    if (typeof frames === "number" && frames > 0) planned[shotId] = frames;
  }
  return planned;
}
