/** The header: whose project this is, who is here, share, theme, keys. */
import { createBin, createList, el, part, say, set, show, type Row } from "../dom";
import { icon } from "../icons";
import type { Translate } from "../i18n";
import type { PageData } from "../page";
import type { Actions } from "./actions";
import { initials, type Presence, type PresenceList } from "./presence";
import type { RoomState, RoomStore } from "./state";
import { toggleTheme } from "./theme";

export interface HeaderOptions {
  page: PageData;
  t: Translate;
  store: RoomStore;
  presence: PresenceList;
  actions: Actions;
  onShare(): void;
  onKeys(): void;
}

const MOST_AVATARS = 5;

export function createAvatar(person: Presence): HTMLElement {
  const { name, colour } = person.user;
  return el("span", { class: `who who-${colour} hue-${colour}`, "aria-hidden": "true" }, initials(name));
}

export function createHeader({ page, t, store, presence, actions, onShare, onKeys }: HeaderOptions) {
  const bin = createBin();
  const title = createTitle(t, store, actions);
  const avatars = createAvatars(t, presence, page.you.id);
  const share = el("button", { type: "button", "aria-haspopup": "dialog" }, t("share"));
  const theme = el(
    "button",
    { type: "button", class: "bare", "aria-label": t("theme"), title: t("theme") },
    icon("theme"),
  );
  const keys = el(
    "button",
    { type: "button", class: "bare", "aria-label": t("keys"), title: t("keys"), "aria-keyshortcuts": "?" },
    icon("help"),
  );
  const keep = page.guest ? [el("a", { class: "button quiet keep", href: page.keep_url }, t("keep"))] : [];
  part("title").replaceChildren(title.element);
  part("here").append(avatars.element);
  part("tools").append(...keep, share, theme, keys);

  function render(state: RoomState): void {
    title.render(state);
    show(share, state.mayShare);
  }

  bin.listen(share, "click", onShare);
  bin.listen(keys, "click", onKeys);
  bin.listen(theme, "click", toggleTheme);
  bin.add(store.subscribe(render));
  bin.add(presence.subscribe(avatars.render));
  avatars.render();
  return { dispose: bin.dispose };
}

function createTitle(t: Translate, store: RoomStore, actions: Actions) {
  const input = el("input", { "aria-label": t("project_title"), maxlength: 120, spellcheck: "false" });
  const sizer = el("span", { class: "sizer", "aria-hidden": "true" });
  const element = el("span", { class: "title-field" }, sizer, input);

  function leave(): void {
    const wanted = input.value.trim();
    const { title } = store.get();
    if (wanted === "" || wanted === title) put(title);
    else void actions.renameProject(wanted);
  }

  function put(title: string): void {
    input.value = title;
    say(sizer, title);
  }

  input.addEventListener("input", () => say(sizer, input.value));
  input.addEventListener("blur", leave);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") put(store.get().title);
    if (event.key === "Enter" || event.key === "Escape") input.blur();
  });

  return {
    element,
    render(state: RoomState): void {
      if (!state.loaded) return;
      if (document.activeElement !== input) put(state.title);
      set(input, "readonly", !state.mayEdit);
      const page = `${state.title} · Rushes`;
      if (document.title !== page) document.title = page;
    },
  };
}

function createAvatars(t: Translate, presence: PresenceList, ownId: number) {
  const element = el("ul", { class: "avatars", "aria-label": t("people_here") });
  const more = el("li", { class: "who more" });
  const list = createList<Presence>(
    element,
    (one) => `${one.user.id}:${one.user.name}:${one.user.colour}`,
    createAvatarRow,
  );

  function createAvatarRow(person: Presence): Row<Presence> {
    const name = person.user.id === ownId ? t("you", { name: person.user.name }) : person.user.name;
    const row = el("li", { title: name }, createAvatar(person), el("span", { class: "hidden" }, name));
    return { element: row, update: () => undefined };
  }

  return {
    element,
    render(): void {
      const people = presence.people();
      more.remove();
      list.render(people.slice(0, MOST_AVATARS));
      say(more, `+${people.length - MOST_AVATARS}`);
      if (people.length > MOST_AVATARS) element.append(more);
    },
  };
}
