/**
 * States, kinds and problems, in Russian.
 *
 * @module
 */

import type { EN_STATES } from "../en/states.ts";
import { pluralOf } from "../plural.ts";

const plural = pluralOf("ru");

/** The words. */
export const RU_STATES: typeof EN_STATES = {
  state: {
    running: "работает",
    stopped: "остановлен",
    created: "создан",
    restarting: "перезапускается",
    paused: "на паузе",
    removing: "удаляется",
    missing: "пропал",
    unknown: "неизвестно",
    pending: "ожидается",
    absent: "ещё не появлялся",
    completed: "завершён",
    removed: "удалён",
    retired: "снят с учёта",
  },
  health: {
    healthy: "здоров",
    unhealthy: "не здоров",
    starting: "запускается",
    none: "без проверки",
  },
  exit: (code) => `код выхода ${code}`,
  kind: { project: "проект", stack: "стек", site: "сайт" },
  problem: {
    kinds: {
      "missing": "Контейнер пропал",
      "absent": "Контейнер так и не появился",
      "crashed": "Упал",
      "stopped": "Остановлен",
      "oom": "Не хватило памяти",
      "unhealthy": "Не проходит проверку состояния",
      "crash-loop": "Падает снова и снова",
      "flapping": "То работает, то нет",
      "stuck": "Застрял",
      "engine-down": "Docker не отвечает",
      "index-stale": "Индекс устарел",
      "engine-changed": "Отвечает другой Docker",
      "contended": "На его место претендуют несколько контейнеров",
      "refused": "Есть неподходящие контейнеры",
      "backup-failed": "Ежедневная копия не удаётся",
      "host-unknown": "Хост не отзывается",
    },
    severity: { low: "неважная", high: "важная" },
    host: "Этот хост",
    since: "С",
    lasted: (time) => `уже ${time}`,
    remedy: {
      "bring-back": "Запустите его снова, а если его и не должно быть:",
      "deploy": "Запустите его контейнер с метками, которые связывают их:",
      "read-log": "Прочитайте, что он сказал перед концом:",
      "start": "Запустите его снова или примите, что он остановлен:",
      "raise-memory": "Дайте ему больше памяти или найдите, куда она уходит:",
      "read-health": "Прочитайте, что говорит проверка состояния:",
      "explain": "Прочитайте, что с ним было:",
      "unpause": "Снимите его с паузы:",
      "remove": "Сам он из этого состояния не выйдет; удалите его:",
      "start-engine": "Проверьте, что Docker запущен:",
      "read-own-log": "Посмотрите, почему проходы не удаются:",
      "accept-engine": "Если так и задумано, примите его; иначе укажите на прежний:",
      "back-up": "Сделайте её вручную и прочитайте, что мешает:",
      "reach-host": "Проверьте, что он работает и видит хаб:",
      "mend-labels": "Исправьте метки этих контейнеров; правильные покажет:",
    },
    exit: (code) => `Код выхода ${code}`,
    how: {
      stop: "остановлен вручную",
      kill: "убит вручную",
      oom: "из-за нехватки памяти",
      crash: "сам",
      exit: "сам",
    },
    deaths: (count) =>
      plural(count, {
        one: "# падение",
        few: "# падения",
        many: "# падений",
        other: "# падения",
      }),
    moves: (count) =>
      plural(count, {
        one: "# перемена",
        few: "# перемены",
        many: "# перемен",
        other: "# перемены",
      }),
    atLeast: (what) => `не меньше: ${what}`,
    restarts: (count) =>
      plural(count, {
        one: "перезапущен # раз",
        few: "перезапущен # раза",
        many: "перезапущен # раз",
        other: "перезапущен # раза",
      }),
    policy: (policy) => `политика перезапуска ${policy}`,
    oomKilled: "память кончилась",
    checkSaid: "Проверка состояния сказала",
    engineSaid: "Docker сказал",
    answersInstead: (id) => `вместо него отвечает ${id}`,
    claimedBy: "Контейнеры",
    silenced: "без уведомлений",
    muted: "то есть, то нет: никому не сообщается",
    holding: (time) => `станет проблемой в ${time}, если не пройдёт`,
    outcome: { recovered: "прошло", superseded: "стало другой проблемой", gone: "исчезло" },
    accept: "Так и задумано",
    acceptTitle: (name) => `Считать то, что сейчас работает в «${name}», тем, что должно работать?`,
    acceptText:
      "Строки, чьих контейнеров больше нет, снимаются с учёта. Контейнеры не затрагиваются.",
    accepted: (name) => `То, что работает в «${name}» сейчас, теперь и ожидается.`,
    retired: (count) =>
      plural(count, {
        one: "# строка снята с учёта.",
        few: "# строки сняты с учёта.",
        many: "# строк снято с учёта.",
        other: "# строки снято с учёта.",
      }),
    mayStopTitle: (name) => `«${name}» может не работать?`,
    mayStopText:
      "Отныне контейнер должен только быть, работает он или нет. Сам он не затрагивается.",
    mayStopDone: (name) => `«${name}» может не работать.`,
    acceptEngine: "Принять этот Docker",
    engineAccepted: "Docker, который отвечает, принят.",
    silence: "Не сообщать…",
    silenceTitle: (name) => `Не сообщать о «${name}»`,
    silenceText: "Проблемы по-прежнему видны, с пометкой; о них никому не сообщается.",
    silenceWhat: "О чём",
    silenceEvery: "Обо всём, что с ним не так",
    silenceFor: "Как долго",
    hours: (count) =>
      plural(count, { one: "# час", few: "# часа", many: "# часов", other: "# часа" }),
    days: (count) => plural(count, { one: "# день", few: "# дня", many: "# дней", other: "# дня" }),
    reason: "Почему (необязательно)",
    silenceDone: (name, until) => `О «${name}» не сообщается до ${until}.`,
    story: "Что было",
    opened: (what, where) => `Новая проблема: ${where}: ${what}`,
  },
  cause: {
    event: "событие Docker",
    pass: "найдено при проходе",
    sweep: "больше нет в списке",
    deployer: "развёртывание",
  },
  origin: {
    event: (action) => `событие ${action}`,
    eventAt: (action, time) => `событие ${action} от ${time}`,
    listing: (time) => `есть в списке от ${time}`,
    sweep: (time) => `нет в списке от ${time}`,
    contender: "проверен вместе с контейнером, который претендует на его место",
    deployer: { created: "создано", bound: "привязано", unbound: "отвязано", removed: "удалено" },
    by: (action, who) => `${action}: ${who}`,
    with: (action, entry) => `${action} вместе: ${entry}`,
    someone: "развёртывание",
  },
};
