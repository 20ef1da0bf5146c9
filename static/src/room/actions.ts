/** What a person can do here, each as one call: commands to the room, and edits of the document. */
import type { Reply, TakeView } from "../protocol";
import type { Translate } from "../i18n";
import { Unanswered, type Command, type RoomSocket } from "../socket";
import type { Complain } from "./alert";
import type { Setting, SharedDocument } from "./document";
import { rewrite } from "./editor";
import type { Settings } from "./settings";

export interface TakeWish {
  shotId: string;
  prompt: string;
  settings: Settings;
}

export interface ActionOptions {
  t: Translate;
  socket: RoomSocket;
  document: SharedDocument;
  complain: Complain;
}

export function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // not a secure context: plain http on a local network
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function createActions({ t, socket, document, complain }: ActionOptions) {
  /** A wish that got no answer keeps its key, so that asking again does not make two takes. */
  let unanswered: { wish: string; key: string } | null = null;

  async function ask(command: Command): Promise<Reply | null> {
    try {
      const reply = await socket.ask(command);
      complain(reply.error?.message ?? "");
      return reply;
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      complain(t(error.message === "not connected" ? "not_connected" : "no_answer"));
      return null;
    }
  }

  async function request(wish: TakeWish): Promise<void> {
    const { shotId, prompt, settings } = wish;
    const said = JSON.stringify(wish);
    const key = unanswered?.wish === said ? unanswered.key : newKey();
    unanswered = { wish: said, key };
    const reply = await ask({ type: "take.request", shot_id: shotId, key, prompt, ...settings });
    if (reply !== null) unanswered = null;
  }

  function edit(
    shotId: string,
    change: (
      text: NonNullable<ReturnType<SharedDocument["text"]>>,
      put: (key: keyof Settings, value: Setting) => void,
    ) => void,
  ): void {
    const text = document.text(shotId);
    const map = document.settings(shotId);
    if (text === null || map === null) return;
    document.doc.transact(() => change(text, (key, value) => map.set(key, value)));
  }

  return {
    request,
    cancel: (take: TakeView) => ask({ type: "take.cancel", take_id: take.id }),
    pick: (shotId: string, takeId: string | null) => ask({ type: "take.pick", shot_id: shotId, take_id: takeId }),
    addShot: (title: string) => ask({ type: "shot.add", title }),
    renameShot: (shotId: string, title: string) => ask({ type: "shot.rename", shot_id: shotId, title }),
    moveShot: (shotId: string, position: number) => ask({ type: "shot.move", shot_id: shotId, position }),
    deleteShot: (shotId: string) => ask({ type: "shot.delete", shot_id: shotId }),
    renameProject: (title: string) => ask({ type: "project.rename", title }),
    /** The same again: what failed or was cancelled, with its own prompt and settings. */
    requestAgain: (take: TakeView) =>
      request({ shotId: take.shot_id, prompt: take.prompt, settings: settingsOf(take) }),
    usePrompt(take: TakeView): void {
      edit(take.shot_id, (text, put) => {
        rewrite(text, take.prompt);
        for (const [key, value] of Object.entries(settingsOf(take))) put(key as keyof Settings, value as Setting);
      });
    },
    setting(shotId: string, key: keyof Settings, value: Setting): void {
      edit(shotId, (_text, put) => put(key, value));
    },
  };
}
export type Actions = ReturnType<typeof createActions>;

function settingsOf(take: TakeView): Settings {
  return {
    style: take.style,
    light: take.light,
    pace: take.pace,
    size: `${take.width}x${take.height}`,
    frames: take.frames,
    seed: take.seed,
    quality: take.quality,
  };
}
