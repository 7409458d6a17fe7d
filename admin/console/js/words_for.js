/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Numbers, times and sizes as words and elements; the exact value is always on hover. */

import { el } from '../shared/dom.js';
import { formatNumber, formatTime, language, t } from '../shared/i18n.js';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

/**
 * A sentence with a number in it: takes `key.one` or `key.other` by the language's rule and fills {count}.
 * @param {string} key without its ending
 * @param {number} count
 * @param {Object} [params] further places
 * @returns {string}
 */
export function tCount(key, count, params = {}) {
  const form = new Intl.PluralRules(language()).select(count) === 'one' ? 'one' : 'other';
  return t(`${key}.${form}`, { count: formatNumber(count), ...params });
}

/**
 * A moment in the reader's zone, the exact one in UTC on hover.
 * @param {string|null} iso
 * @param {Intl.DateTimeFormatOptions} [options]
 * @returns {HTMLElement|string} a dash for null
 */
export function timeText(iso, options) {
  return iso ? el('time', { datetime: iso, title: iso }, formatTime(iso, options)) : dash();
}

/** The mark for "nothing here". @returns {HTMLElement} */
export function dash() {
  return el('span', { class: 'muted' }, '–');
}

/**
 * A size in the largest unit that leaves at least 1, the bytes on hover.
 * @param {number} bytes
 * @returns {HTMLElement}
 */
export function sizeText(bytes) {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)));
  const options = { style: 'unit', unit: UNITS[power], unitDisplay: 'short', maximumFractionDigits: 1 };
  return el('span', { title: `${formatNumber(bytes)} B` }, formatNumber(bytes / 1024 ** power, options));
}
