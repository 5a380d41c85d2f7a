/**
 * The hosts of a hub, in Russian.
 *
 * @module
 */

import type { EN_HOSTS } from "../en/hosts.ts";
import { russian as plural } from "../plural.ts";

/** The words. */
export const RU_HOSTS: typeof EN_HOSTS = {
  hosts: {
    title: "Хосты",
    host: "Хост",
    all: "Все хосты",
    states: {
      known: "на связи",
      unknown: "не на связи",
      contested: "за него говорят двое",
      new: "ещё не выходил на связь",
    },
    heard: "последний раз на связи",
    contestedBy: (machines) => `на ${machines}`,
    was: (state) => `было: ${state}`,
    on: (host) => `На хосте ${host}:`,
    silent: (count) =>
      plural(count, {
        one: "# хост не на связи",
        many: "# хостов не на связи",
        other: "# хоста не на связи",
      }),
    more: (count) =>
      plural(count, {
        one: "ещё # хост",
        many: "ещё # хостов",
        other: "ещё # хоста",
      }),
    invited: "Приглашены, ещё не присоединились",
    invitedAt: "приглашён",
    tokenOver: (time) => `токен перестал действовать: ${time}`,
    joinThere: "Его присоединит команда с токеном. Машина самого хаба печатает новую:",
    choose: "Выберите хост",
    chooseText: "На всех хостах вместе больше контейнеров, чем показывается сразу.",
    none: "Ни один хост ещё не присоединился",
    noneText: "Хост присоединяется одноразовой командой. Её печатает машина самого хаба:",
    noRows: "Ни один из хостов ни об одном не сообщил.",
  },
};
