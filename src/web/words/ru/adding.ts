/**
 * Adding, and the history, in Russian.
 *
 * @module
 */

import type { EN_ADDING } from "../en/adding.ts";
import { pluralOf } from "../plural.ts";

const plural = pluralOf("ru");

/** The words. */
export const RU_ADDING: typeof EN_ADDING = {
  add: {
    title: "Добавить",
    steps: ["Выбор", "Настройка", "Проверка", "Ожидание"],
    step: (at, of, name) => `Шаг ${at} из ${of}: ${name}`,
    found: "Уже работает",
    foundText: "Контейнеры не затрагиваются: работающее берётся на учёт как есть.",
    foundNone: "Всё, что работает, уже на учёте.",
    foundLater: "Этот демон не умеет брать на учёт работающее; заведите вручную.",
    looking: "Смотрим, что работает…",
    take: "Взять на учёт",
    takeAll: (count) => count === 1 ? "Взять на учёт" : `Взять на учёт все: ${count}`,
    fresh: "Новое",
    freshText: "Заведите то, что будет работать; контейнеры видны, как только на них есть метки.",
    choices: {
      project: "Развёртывается тем, что само заводит строки: стадии, экземпляры, ветки.",
      stack: "Проект Compose: несколько сервисов, которые составляют целое.",
      site: "Один контейнер, который обслуживает сайт или делает одно дело.",
    },
    leftOut: (count) =>
      plural(count, {
        one: "# контейнер не предлагается",
        few: "# контейнера не предлагаются",
        many: "# контейнеров не предлагается",
        other: "# контейнера не предлагается",
      }),
    leftOutReason: {
      "unmanaged": "ни к чему не относится",
      "one-off": "запущен один раз вручную",
      "hook": "хук Compose",
      "kubernetes": "им занимается Kubernetes",
      "infra": "держит под",
    },
    by: {
      "compose": "проект Compose",
      "swarm": "стек Swarm",
      "coolify": "Coolify",
      "kamal": "Kamal",
      "dokku": "Dokku",
      "quadlet": "юнит Podman",
      "unraid": "Unraid",
      "name": "имя контейнера",
    },
    notes: {
      "renamed": "предлагается под другим именем: своё занято",
      "several-directories": "контейнеры запущены из нескольких каталогов",
      "name-changes": "имя меняется при каждом развёртывании, и привязка с ним пропадёт",
      "not-running": "ни один из контейнеров не работает",
    },
    name: "Имя",
    nameHint: "1–128 знаков; единственное среди своего вида.",
    composeProject: "Имя проекта Compose",
    composeHint: "Как в `docker compose -p`. Пусто: будет составлено из имени.",
    domain: "Домен (необязательно)",
    containerName: "Имя контейнера (необязательно)",
    containerNameHint: "Привязывает контейнер с этим именем, если метки на него не повесить.",
    stages: "Стадии (необязательно)",
    stagesHint: "Через запятую, например: production, preview",
    next: "Дальше",
    back: "Назад",
    register: "Завести",
    needName: "Нужно имя.",
    badName: "Не больше 128 знаков.",
    review: "Будет заведено:",
    reviewTake: "Будет взято на учёт; ничего не перезапускается и не меняется:",
    paste: "Затем запустите контейнер с этими метками:",
    pasteCompose: "Затем запустите стек под этим именем проекта:",
    waiting: "Ждём первый контейнер…",
    waitingText: "Он появится здесь сам.",
    arrived: "Он на месте.",
    open: (name) => `Открыть «${name}»`,
    another: "Добавить ещё",
    leave: "Введённое здесь ещё не заведено. Всё равно уйти?",
    undo: "Чтобы отменить:",
  },
  history: {
    title: "История",
    what: "Что",
    transitions: "Смены состояний",
    audit: "Кто что сделал",
    notices: "Уведомления",
    when: "Когда",
    from: "С",
    until: "По",
    search: "Поиск",
    presets: {
      hour: "Последний час",
      day: "Последние сутки",
      week: "Последние 7 дней",
      all: "Всё",
    },
    none: "За это время ничего не было.",
    noneMatches: "Ничего не найдено.",
    more: "Раньше",
    unavailable: "Этот демон об этом не рассказывает.",
    events: {
      "death": "завершился",
      "restored": "индекс восстановлен из копии",
      "watch-began": "с этого момента индекс точен",
      "watch-ended": "с этого момента никто не следил",
    },
    noticeKinds: {
      "opened": "проблема",
      "recovered": "прошло",
      "combined": "началось и прошло",
      "reminder": "напоминание",
      "digest": "несколько проблем",
      "test": "проверка",
    },
    delivered: "доставлено",
    queued: "ждёт",
    dead: "не доставлено",
    superseded: "больше не нужно",
    attempts: (count) =>
      plural(count, {
        one: "# попытка",
        few: "# попытки",
        many: "# попыток",
        other: "# попытки",
      }),
  },
};
