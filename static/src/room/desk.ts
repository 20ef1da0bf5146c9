/** The prompt desk: the text, its settings, Generate, and what stands in the way. */
import { createBin, el, part, say, set, show } from "../dom";
import type { Key, Translate } from "../i18n";
import type { PageData } from "../page";
import type { TakeView } from "../protocol";
import type { Actions } from "./actions";
import type { SharedDocument } from "./document";
import type { Complain } from "./alert";
import { createEditor, TEXT_LIMIT } from "./editor";
import type { PresenceList } from "./presence";
import { activeTake } from "./select";
import { createSettings, readSettings } from "./settings";
import type { RoomState, RoomStore } from "./state";

export interface DeskOptions {
  page: PageData;
  t: Translate;
  store: RoomStore;
  document: SharedDocument;
  presence: PresenceList;
  actions: Actions;
  complain: Complain;
}

/** The counter shows when this share of the limit is used. */
const NEARLY_FULL = 0.9;
const MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);

export type CountKey = "characters_left" | "characters_over";

/** What the counter says; null while there is room enough. Counted as the server counts, in code points. */
export function counted(prompt: string, limit: number): { key: CountKey; n: number } | null {
  const length = [...prompt].length;
  if (length > limit) return { key: "characters_over", n: length - limit };
  return length >= limit * NEARLY_FULL ? { key: "characters_left", n: limit - length } : null;
}

/** Why Generate cannot be pressed now; null when it can. */
export function hindrance(state: RoomState, ready: boolean): Key | null {
  if (!state.loaded) return "loading";
  if (!state.mayGenerate) return "cannot_generate";
  if (state.link.kind === "ended") return "room_closed";
  if (state.link.kind !== "live") return "not_connected";
  return ready ? null : "prompt_waiting";
}

export function createDesk({ page, t, store, document: shared, presence, actions, complain }: DeskOptions) {
  const bin = createBin();
  const count = part("count");
  const hint = part("desk-hint");
  const key = el("kbd", {}, MAC ? "⌘↵" : "Ctrl ↵");
  const generate = el(
    "button",
    {
      type: "button",
      class: "primary",
      "aria-describedby": "desk-hint",
      "aria-keyshortcuts": MAC ? "Meta+Enter" : "Control+Enter",
    },
    t("generate"),
    key,
  );
  const cancel = el("button", { type: "button" }, t("cancel"));
  part("generate").append(cancel, generate);
  let busy = false;
  let running: TakeView | null = null;

  const editor = createEditor({
    parent: part("prompt"),
    nonce: page.csp_nonce,
    t,
    presence,
    suggestions: () => store.get().offer?.suggestions ?? [],
    onChange: () => renderCount(store.get()),
    onRefused: () => complain(t("text_limit", { limit: t.number(store.get().offer?.prompt_limit ?? 0), most: t.number(TEXT_LIMIT) })),
  });
  const settings = createSettings({
    parent: part("chips"),
    t,
    random: Math.random,
    write: (name, value) => {
      const { shotId } = store.get();
      if (shotId !== null) actions.setting(shotId, name, value);
    },
  });

  function renderCount(state: RoomState): void {
    const said = counted(editor.text(), state.offer?.prompt_limit ?? Infinity);
    say(count, said === null ? "" : t.count(said.key, said.n));
    count.classList.toggle("wrong", said?.key === "characters_over");
  }

  function render(state: RoomState): void {
    const { shotId, offer } = state;
    if (shotId !== null && state.loaded) editor.open(shotId, shared.text(shotId), !state.mayEdit);
    if (offer !== null)
      settings.update(readSettings(shotId === null ? null : shared.settings(shotId), offer), offer, !state.mayEdit);
    const why = hindrance(state, editor.ready());
    set(generate, "aria-disabled", why !== null || busy ? "true" : null);
    say(hint, why === null || why === "loading" ? "" : t(why));
    running = shotId === null ? null : activeTake(state, shotId);
    show(cancel, running !== null && state.mayGenerate);
    set(cancel, "aria-label", running === null ? null : t("cancel_take", { n: running.number }));
    set(cancel, "aria-disabled", running?.cancelling ? "true" : null);
    say(cancel, t(running?.cancelling ? "stopping" : "cancel"));
    renderCount(state);
  }

  async function request(): Promise<void> {
    const state = store.get();
    const why = hindrance(state, editor.ready());
    if (why !== null) complain(t(why));
    if (why !== null || busy || state.shotId === null || state.offer === null) return;
    busy = true;
    render(state);
    const wish = {
      shotId: state.shotId,
      prompt: editor.text(),
      settings: readSettings(shared.settings(state.shotId), state.offer),
    };
    await actions.request(wish).finally(() => {
      busy = false;
      render(store.get());
    });
  }

  bin.listen(generate, "click", () => void request());
  bin.listen(cancel, "click", () => {
    if (running !== null && !running.cancelling) void actions.cancel(running);
  });
  bin.add(store.subscribe(render));
  bin.add(shared.observe(() => render(store.get())));
  bin.add(settings.dispose);
  bin.add(editor.dispose);

  return { request: () => void request(), focus: editor.focus, dispose: bin.dispose };
}
