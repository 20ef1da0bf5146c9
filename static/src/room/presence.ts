/** Who is here: what each browser tells of itself, and what this one tells. */
import type { Awareness } from "y-protocols/awareness";

import type { PersonView } from "../protocol";

/** Places in the text that survive other people's edits (Yjs relative positions as JSON). */
export interface Cursor {
  shot: string;
  anchor: unknown;
  head: unknown;
}

export interface Presence {
  clientId: number;
  user: PersonView & { role: string };
  shot: string | null;
  cursor: Cursor | null;
}

/** At most ten messages a second are welcome; a caret needs fewer. */
const CURSOR_PAUSE_MS = 150;

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

/** Other people's browsers say what they like, so every field is looked at. */
export function readPresence(clientId: number, state: unknown): Presence | null {
  if (!isFields(state) || !isFields(state["user"])) return null;
  const { id, name, colour, role } = state["user"];
  if (typeof id !== "number" || typeof name !== "string") return null;
  const cursor = state["cursor"];
  return {
    clientId,
    user: { id, name, colour: hue(colour), role: typeof role === "string" ? role : "" },
    shot: typeof state["shot"] === "string" ? state["shot"] : null,
    cursor:
      isFields(cursor) && typeof cursor["shot"] === "string"
        ? { shot: cursor["shot"], anchor: cursor["anchor"], head: cursor["head"] }
        : null,
  };
}

export function hue(colour: unknown): number {
  return typeof colour === "number" && Number.isInteger(colour) ? ((colour % 8) + 8) % 8 : 0;
}

/** Two letters that stand for a name. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters =
    words.length > 1 ? `${words[0]?.[0] ?? ""}${words.at(-1)?.[0] ?? ""}` : [...(words[0] ?? "?")].slice(0, 2).join("");
  return letters.toUpperCase();
}

export function createPresence(awareness: Awareness, you: PersonView, role: string) {
  const listeners = new Set<() => void>();
  let cursor: (() => Cursor | null) | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  awareness.setLocalState({ user: { ...you, role }, cursor: null, shot: null });

  const changed = (): void => listeners.forEach((listener) => listener());
  awareness.on("change", changed);

  function others(): Presence[] {
    return [...awareness.getStates()]
      .filter(([clientId]) => clientId !== awareness.clientID)
      .flatMap(([clientId, state]) => readPresence(clientId, state) ?? []);
  }

  return {
    others,
    /** One entry a person, oneself first; somebody with two tabs open is one person. */
    people(): Presence[] {
      const own = readPresence(awareness.clientID, awareness.getLocalState());
      const byPerson = new Map<number, Presence>();
      for (const one of own === null ? others() : [own, ...others()]) {
        if (!byPerson.has(one.user.id)) byPerson.set(one.user.id, one);
      }
      return [...byPerson.values()];
    },
    visit(shotId: string | null): void {
      awareness.setLocalStateField("shot", shotId);
    },
    /** Tell where the caret is, soon; ``read`` is asked at that moment. */
    point(read: () => Cursor | null): void {
      cursor = read;
      timer ??= setTimeout(() => {
        timer = undefined;
        if (cursor !== null) awareness.setLocalStateField("cursor", cursor());
      }, CURSOR_PAUSE_MS);
    },
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispose(): void {
      clearTimeout(timer);
      awareness.off("change", changed);
    },
  };
}
export type PresenceList = ReturnType<typeof createPresence>;
