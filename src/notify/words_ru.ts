/**
 * Messages in Russian.
 *
 * @module
 */

import { pluralOf, wordFor, type Words } from "./words.ts";

const plural = pluralOf("ru");
const number = (count: number) => plural(count, { other: "#" });
/** `2 раза`; after "not less than" the genitive: `не менее 2 раз`, `не менее 21 раза`. */
const times = (count: number, genitive = false) =>
  plural(
    count,
    genitive
      ? { one: "# раза", other: "# раз" }
      : { one: "# раз", few: "# раза", many: "# раз", other: "# раза" },
  );
const problems = (count: number) =>
  plural(count, { one: "# проблема", few: "# проблемы", many: "# проблем", other: "# проблемы" });

const STATES: Readonly<Record<string, string>> = {
  running: "работает",
  stopped: "остановлен",
  created: "создан",
  restarting: "перезапускается",
  paused: "на паузе",
  removing: "удаляется",
  missing: "пропал",
  pending: "ожидается",
  absent: "ещё не появлялся",
};
const HEALTH: Readonly<Record<string, string>> = {
  healthy: "пройдена",
  unhealthy: "не пройдена",
  starting: "ещё идёт",
};

/** Messages in Russian. */
export const RUSSIAN: Words = {
  locale: "ru-RU",
  kinds: {
    "missing": "контейнер пропал",
    "absent": "контейнер так и не появился",
    "crashed": "контейнер упал",
    "stopped": "контейнер остановлен",
    "oom": "не хватило памяти",
    "unhealthy": "не проходит проверку работоспособности",
    "crash-loop": "контейнер падает снова и снова",
    "flapping": "то работает, то нет",
    "stuck": "контейнер завис в промежуточном состоянии",
    "engine-down": "Docker не отвечает",
    "index-stale": "индекс устарел",
    "engine-changed": "отвечает другой Docker",
    "contended": "на его место претендуют несколько контейнеров",
    "refused": "контейнеры отклонены: метки не подходят",
    "backup-failed": "резервные копии не создаются",
    "host-unknown": "не отзывается",
    "channel-broken": "уведомления не доходят",
  },
  thisHost: "этот хост",
  severalHosts: "несколько хостов",
  opened: (subject, what) => `${subject}: ${what}`,
  reminder: (subject, what) => `Всё ещё: ${subject}: ${what}`,
  recovered: (subject, what) => `Решено: ${subject}: ${what}`,
  combined: (subject, what, { span, down }) =>
    down ? `${subject}: простой ${span}` : `Решено: ${subject}: ${what}, ${span}`,
  digest: {
    burst: (count, host) => `${host}: ${problems(count)} сразу`,
    restart: (count, host) => `${host}: ${problems(count)} после перезапуска`,
    baseline: (count, host) => `${host}: ${problems(count)} при первой проверке`,
    over: (count, host) =>
      `${host}: ${problems(count)}, уже ${plural(count, { one: "решена", other: "решены" })}`,
  },
  back: ({ right, expected }, host) =>
    `${host}: после перезапуска ${
      plural(right, {
        one: "вернулся # контейнер",
        few: "вернулись # контейнера",
        other: "вернулось # контейнеров",
      })
    } из ${number(expected)}`,
  notBack: "Не вернулись:",
  test: "Tinyforge: проверка уведомлений",
  since: (time, duration) => `С ${time} (${duration})`,
  lasted: (span, duration) => `${span}, длилось ${duration}`,
  low: "Важность: низкая",
  host: (name) => `Хост: ${name}`,
  container: (name) => `Контейнер: ${name}`,
  todo: "Что делать:",
  item: (subject, what, when) => `${subject}: ${what}, ${when}`,
  itemSince: (time) => `с ${time}`,
  itemOver: (span) => `решено: ${span}`,
  more: (count) => `и ещё ${plural(count, { other: "#" })}`,
  testBody: (time) => `Сообщения сюда доходят. Отправлено ${time}.`,
  evidence: {
    found: (found, accepted) => `отвечает ${found} вместо ${accepted}`,
    outOfMemory: "закончилась память",
    times: (count, atLeast) => `${atLeast ? "не менее " : ""}${times(count, atLeast)}`,
    exitCode: (code) => `код завершения ${code}`,
    restarted: (count, policy) => `перезапущен ${times(count)}, политика перезапуска ${policy}`,
    health: (health) => `проверка работоспособности: ${wordFor(HEALTH, health)}`,
    state: (state) => `состояние: ${wordFor(STATES, state)}`,
    refused: {
      "unknown-workload": "метка называет сервис, который не зарегистрирован",
      "kind-mismatch": "метки противоречат тому, что зарегистрировано",
      "workload-mismatch": "строка принадлежит другому сервису",
      "awaiting-deployer": "строки проекта создаёт деплоер",
      "unknown-site": "метка называет сайт, который не зарегистрирован",
      "unknown-stack": "стек этого проекта Compose не зарегистрирован",
      "one-off": "разовый запуск Compose",
      "inherited": "метки достались от образа",
      "unmanaged": "наших меток нет",
    },
    channel: (name) => `канал ${name}`,
  },
  link: "Панель",
};
