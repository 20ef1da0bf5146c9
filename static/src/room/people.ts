/** Who is here, in which role, and at which shot. */
import { createList, el, say, type Row } from "../dom";
import type { Key, Translate } from "../i18n";
import { createAvatar } from "./header";
import type { Presence, PresenceList } from "./presence";
import type { RoomState, RoomStore } from "./state";

const ROLES = ["owner", "editor", "reviewer", "viewer"] as const;

export function createPeople(t: Translate, store: RoomStore, presence: PresenceList) {
  const element = el("ul", { class: "people" });
  const list = createList<Presence>(element, (one) => `${one.user.id}:${one.user.name}:${one.user.colour}`, createRow);

  function createRow(person: Presence): Row<Presence> {
    const where = el("small");
    const name = person.user.id === store.get().you.id ? t("you", { name: person.user.name }) : person.user.name;
    const row = el("li", {}, createAvatar(person), el("span", { class: "words" }, el("b", {}, name), where));
    return { element: row, update: (one) => say(where, line(store.get(), one)) };
  }

  function line(state: RoomState, one: Presence): string {
    const role = ROLES.find((known) => known === one.user.role);
    const shot = state.shots.find((known) => known.id === one.shot);
    const words = role === undefined ? [] : [t(`role_${role}` satisfies Key)];
    if (shot !== undefined) words.push(t("on_shot", { shot: `“${shot.title}”` }));
    return words.join(" · ");
  }

  return { element, render: () => list.render(presence.people()) };
}
