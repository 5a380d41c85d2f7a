/**
 * Overview, containers and workloads, in Russian.
 *
 * @module
 */

import type { EN_ROWS } from "../en/rows.ts";
import { russian as plural } from "../plural.ts";

const containers = (count: number) =>
  plural(count, {
    one: "# контейнер",
    many: "# контейнеров",
    other: "# контейнера",
  });

const problems = (count: number) =>
  plural(count, { one: "# проблема", many: "# проблем", other: "# проблемы" });

/** The words. */
export const RU_ROWS: typeof EN_ROWS = {
  overview: {
    title: "Обзор",
    well: "Всё в порядке",
    wellText: (count) =>
      plural(count, {
        one: "# контейнер, и с ним всё как надо.",
        many: "# контейнеров, все как надо.",
        other: "# контейнера, все как надо.",
      }),
    problems,
    more: (count) => plural(count, { other: "Ещё #" }),
    alike: (count) =>
      plural(count, { one: "Ещё # такая же", many: "Ещё # таких же", other: "Ещё # такие же" }),
    watching: (count) =>
      plural(count, {
        one: "# ещё может пройти сама",
        other: "# ещё могут пройти сами",
      }),
    over: "Недавно прошло",
    states: "Контейнеры по состояниям",
    host: "Этот хост",
    engine: "Docker",
    engineUp: "отвечает",
    engineDown: "не отвечает",
    events: "События",
    eventsUp: "приходят",
    eventsDown: "не приходят",
    lastPass: "Последний проход",
    noPass: "ещё не было",
    unmanaged: "Вне учёта",
    unmanagedText: containers,
    backup: "Последняя копия",
    noBackup: "ещё не было",
    version: "Tinyforge",
    since: (time) => `работает с ${time}`,
    emptyTitle: "Пока ничего не учтено",
    emptyText: "Возьмите на учёт то, что уже работает на этом хосте, или заведите новое.",
    emptyAction: "Добавить первое",
  },
  containers: {
    title: "Контейнеры",
    search: "Поиск",
    searchHint: "Имя, сервис, образ, порт",
    filters: "Фильтры",
    problem: "С проблемой",
    facets: { kind: "Вид", state: "Состояние", health: "Здоровье" },
    group: "По сервисам",
    sort: "Порядок",
    columns: {
      name: "Контейнер",
      host: "Хост",
      workload: "Сервис",
      state: "Состояние",
      image: "Образ",
      port: "Порт",
      since: "С тех пор",
    },
    shown: (shown, all) => shown === all ? containers(all) : `${shown} из ${containers(all)}`,
    hidden: (count) =>
      plural(count, {
        one: "Ещё # скрыт фильтрами",
        few: "Ещё # скрыты фильтрами",
        other: "Ещё # скрыто фильтрами",
      }),
    showAll: "Показать все",
    more: (count, left) =>
      count === left ? `Показать ещё ${count}` : `Показать ещё ${count} из ${left}`,
    none: "Контейнеров пока нет",
    noneText: "Контейнер появится здесь, как только станет частью проекта, стека или сайта.",
    nothing: "Ничего не найдено",
    nothingText: "Под эти фильтры не подходит ни один контейнер.",
    loading: "Загрузка контейнеров…",
    unnamed: "нет контейнера",
    replica: (count) => `№ ${count}`,
    inGroup: containers,
    unclaimed: "привязан вручную",
    descending: "по убыванию",
  },
  row: {
    id: "Строка",
    container: "Id контейнера",
    image: "Образ",
    imageId: "Id образа",
    created: "Контейнер создан",
    seen: "Виден в последний раз",
    ports: "Порт",
    addresses: "Адреса",
    noAddress: "нет",
    stage: "Стадия",
    subdomain: "Поддомен",
    unclaimed: "Не заявлен",
    started: "Запущен",
    ended: "Завершён",
    restarts: "Перезапуски",
    policy: "Политика перезапуска",
    story: "Что было",
    noStory: "О нём ничего не известно.",
    gone: "Этой строки больше нет.",
    all: (url) => `Открыть ${url}`,
  },
  workload: {
    unknown: "Такого нет",
    unknownText: "Возможно, его удалили.",
    rows: "Контейнеры",
    noRows:
      "Контейнеров ещё не было. Контейнер появится здесь, как только будет запущен с метками, указанными ниже.",
    problems: "Проблемы",
    availability: "Доступность",
    spans: { day: "24 часа", week: "7 дней", month: "30 дней" },
    down: "не работал",
    unknownTime: "неизвестно",
    stripText: (span, share) => `${span}: доступен ${share}`,
    noHistory: "Истории пока нет.",
    expectations: "Что должно работать",
    expectDefault: "Должен работать каждый контейнер, который когда-либо был виден.",
    mode: {
      running: "должен работать",
      completed: "должен сам завершиться с кодом 0",
      any: "должен быть",
    },
    source: { accepted: "принято", compose: "из файла Compose", manual: "задано вручную" },
    expectTitle: (name) => `Что должно работать в «${name}»`,
    expectMode: "Как",
    expectCount: "Сколько",
    expectImage: "Образ (необязательно)",
    expectAdd: "Добавить роль",
    expectForget: "Ожидать как обычно",
    expectSaved: (name) => `Что должно работать в «${name}»: сохранено.`,
    role: "Роль",
    needRole: "У каждой должна быть роль.",
    roleTwice: "Роль указана дважды.",
    needCount: "Сколько — целое число.",
    times: containers,
    everyRole: "контейнер",
    timeline: "Что было",
    noTimeline: "Пока ничего.",
    older: "Раньше",
    stages: "Стадии",
    preview: "предпросмотр",
    noStages: "Стадий нет.",
    instances: (count, max) =>
      plural(max, {
        one: `${count} из # экземпляра`,
        other: `${count} из # экземпляров`,
      }),
    connect: "Подключение",
    labels: "Метки, которые привязывают контейнер",
    labelsCompose: (project) => `Контейнеры проекта Compose «${project}» привязаны и без меток.`,
    hook: "Вебхук",
    hookText: "После вызова индекс обновляется сразу. Держите адрес в секрете.",
    hookShow: "Показать адрес",
    hookHide: "Скрыть",
    domain: "Домен",
    composeProject: "Проект Compose",
    containerName: "Имя контейнера",
    appeared: "замечен впервые",
    before: (state) => `был: ${state}`,
    problemOpened: "стало проблемой",
    problemOver: "прошло",
  },
};
