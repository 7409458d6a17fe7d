/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Light or dark: the system's choice unless the reader chose one; and the menu controls for theme, language and zone that the pages show. */

import { el } from './dom.js';
import { LANGUAGES, defineMessages, language, onLanguageChange, setLanguage, t } from './i18n.js';
import { deviceZone, setTimeZone, timeZone, timeZones } from './zone.js';

const STORAGE_KEY = 'chatsession.theme';
const THEMES = ['system', 'light', 'dark'];

defineMessages({
  en: {
    'theme.label': 'Theme',
    'theme.system': 'System',
    'theme.light': 'Light',
    'theme.dark': 'Dark',
    'language.label': 'Language',
    'zone.label': 'Times in',
    'zone.device': '{zone} (this device)',
  },
  ja: {
    'theme.label': 'テーマ',
    'theme.system': 'システム',
    'theme.light': 'ライト',
    'theme.dark': 'ダーク',
    'language.label': '言語',
    'zone.label': '時刻の表示',
    'zone.device': '{zone}（この端末）',
  },
});

/** The chosen theme: `system`, `light` or `dark`. @returns {string} */
export function theme() {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    return THEMES.includes(stored) ? stored : 'system';
  } catch {
    return document.documentElement.dataset.theme ?? 'system';
  }
}

/** Chooses a theme and remembers it. @param {string} name one of `system`, `light`, `dark` */
function setTheme(name) {
  if (name === 'system') {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = name;
  }
  try {
    localStorage.setItem(STORAGE_KEY, name);
  } catch {
    /* The choice lasts as long as the page. */
  }
}

/** A labelled select that switches the theme. @returns {HTMLElement} */
export function themeSwitch() {
  return choice('theme.label', () => THEMES.map((name) => [name, t(`theme.${name}`)]), theme, setTheme);
}

/** A labelled select that switches the language. @returns {HTMLElement} */
export function languageSwitch() {
  return choice('language.label', () => LANGUAGES.map(({ code, name }) => [code, name]), language, setLanguage);
}

/**
 * A labelled select of the zone that times are shown in. What is shown is drawn anew, as for another language.
 * @param {function(): void} [changed] called before: days that were asked for begin at other moments now
 * @returns {HTMLElement}
 */
export function zoneSwitch(changed = () => {}) {
  const zones = () => [['', t('zone.device', { zone: deviceZone() })], ...timeZones().map((name) => [name, name.replaceAll('_', ' ')])];
  const write = (name) => {
    setTimeZone(name);
    changed();
    setLanguage(language());
  };
  return choice('zone.label', zones, timeZone, write);
}

function choice(labelKey, options, read, write) {
  const select = el('select', { class: 'input input-small', onchange: () => write(select.value) });
  const label = el('span');
  const fill = () => {
    label.textContent = t(labelKey);
    select.replaceChildren(...options().map(([value, text]) => el('option', { value }, text)));
    select.value = read();
  };
  fill();
  onLanguageChange(fill);
  return el('label', { class: 'choice' }, label, select);
}
