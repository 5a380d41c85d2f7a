/**
 * Messages in Russian.
 *
 * @module
 */

import { pluralOf, type Words } from "./words.ts";

const plural = pluralOf("ru");
const problems = (count: number) =>
  plural(count, { one: "# проблема", few: "# проблемы", many: "# проблем", other: "# проблемы" });

/** Messages in Russian. */
export const RUSSIAN: Words = {
  locale: "ru-RU",
  kinds: {
    "missing": "контейнер пропал",
    "absent": "контейнер так и не появился",
    "crashed": "упал",
    "stopped": "остановлен",
    "oom": "не хватило памяти",
    "unhealthy": "не проходит проверку состояния",
    "crash-loop": "падает снова и снова",
    "flapping": "то работает, то нет",
    "stuck": "застрял",
    "engine-down": "Docker не отвечает",
    "index-stale": "индекс устарел",
    "engine-changed": "отвечает другой Docker",
    "contended": "на его место претендуют несколько контейнеров",
    "refused": "контейнеры отклонены: метки не подходят",
    "backup-failed": "резервные копии не создаются",
    "channel-broken": "уведомления не доходят",
  },
  thisHost: "этот хост",
  opened: (subject, what) => `${subject}: ${what}`,
  reminder: (subject, what) => `Всё ещё: ${subject}: ${what}`,
  recovered: (subject, what) => `Прошло: ${subject}: ${what}`,
  combined: (subject, what, { span, down }) =>
    down ? `${subject}: не работал ${span}` : `Прошло: ${subject}: ${what}, ${span}`,
  digest: {
    burst: (count, host) => `${host}: ${problems(count)} сразу`,
    restart: (count, host) => `${host}: ${problems(count)} после перезапуска`,
    baseline: (count, host) => `${host}: ${problems(count)} при первом осмотре`,
    over: (count, host) => `${host}: ${problems(count)}, всё прошло`,
  },
  test: "Tinyforge: это проверка",
  since: (time, duration) => `С ${time} (${duration})`,
  lasted: (span, duration) => `${span}, длилось ${duration}`,
  low: "Важность: низкая",
  host: (name) => `Хост: ${name}`,
  container: (name) => `Контейнер: ${name}`,
  todo: "Что делать:",
  item: (subject, what, when) => `${subject}: ${what}, ${when}`,
  itemSince: (time) => `с ${time}`,
  itemOver: (span) => `прошло: ${span}`,
  more: (count) => `и ещё ${plural(count, { other: "#" })}`,
  testBody: (time) => `Сообщения сюда доходят. Отправлено ${time}.`,
  link: "Панель",
};
