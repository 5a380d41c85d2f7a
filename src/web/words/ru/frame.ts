/**
 * What is around every page, and what any of them may say, in Russian.
 *
 * @module
 */

import type { EN_FRAME } from "../en/frame.ts";
import { russian as plural } from "../plural.ts";

const containers = (count: number) =>
  plural(count, {
    one: "# контейнер",
    many: "# контейнеров",
    other: "# контейнера",
  });

/** The words. */
export const RU_FRAME: typeof EN_FRAME = {
  product: "Tinyforge",
  skip: "К содержимому",
  nav: {
    label: "Страницы",
    menu: "Меню",
    overview: "Обзор",
    containers: "Контейнеры",
    add: "Добавить",
    history: "История",
    settings: "Настройки",
    problems: (count) =>
      plural(count, {
        one: "# открытая проблема",
        few: "# открытые проблемы",
        many: "# открытых проблем",
        other: "# открытой проблемы",
      }),
    rows: containers,
  },
  live: {
    connecting: "Подключение…",
    live: "На связи",
    stale: (time) => `Устарело с ${time}`,
    staleTitle: "Демон не отвечает",
    staleText: (time) =>
      `Показано то, что было в ${time}. Страница пробует снова сама, перезагружать её не нужно.`,
    unsure: (why) => `Может быть неточно: ${why}`,
    reasons: {
      "no-daemon": "индекс никто не ведёт",
      "no-pass": "удачного прохода ещё не было",
      "engine-down": "Docker не отвечает",
      "engine-changed": "отвечает другой Docker",
      "engine-unknown": "Docker не говорит, кто он, поэтому ничего не считается пропавшим",
      "events-down": "события Docker не приходят; изменения видны при следующем проходе",
      "writes-fail": "найденное не удаётся записать",
      "late": "последний удачный проход был давно",
      "hosts-unsure": "не обо всех хостах известно, что там работает",
    },
  },
  login: {
    title: "Вход",
    text: "Откройте ссылку, которую напечатает эта команда на хосте:",
    command: "tinyforge dashboard",
    or: "Или вставьте токен:",
    where: "Он лежит в файле «token» в каталоге данных.",
    submit: "Войти",
    wrong: "Токен не подходит.",
    limited: "Слишком много попыток. Подождите минуту и попробуйте снова.",
    used: "Эта ссылка уже использована или старше минуты. Получите другую.",
    ended: "Сеанс закончился. Войдите, чтобы продолжить с того же места.",
    checking: "Вход…",
  },
  keyboard: {
    title: "Клавиатура",
    open: "Клавиши",
    list: [
      ["/", "Поиск"],
      ["j", "Следующая строка"],
      ["k", "Предыдущая строка"],
      ["Enter", "Открыть строку"],
      ["Esc", "Закрыть, очистить поиск"],
      ["?", "Эта справка"],
    ],
    off: "Их можно выключить в настройках.",
  },
  common: {
    copy: "Копировать",
    copied: "Скопировано",
    close: "Закрыть",
    cancel: "Отмена",
    retry: "Ещё раз",
    loading: "Загрузка…",
    failed: "Не получилось",
    unreachable: "Демон не ответил.",
    notFound: "Такой страницы нет",
    toOverview: "К обзору",
    unknown: "неизвестно",
    forbidden: "Ваша роль этого не позволяет.",
  },
};
