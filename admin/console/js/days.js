/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

import { startOfDay } from '../shared/zone.js';

/* Days of the zone that was chosen, as filters and the address bar have them (2026-11-23), and the moments that the API takes. */

/**
 * The midnight that begins the day, or a later one: adding days to the date keeps it right over a change of clocks.
 * @param {string} day
 * @param {number} daysAfter
 * @returns {string} RFC 3339
 */
function midnight(day, daysAfter) {
  const [year, month, date] = day.split('-').map(Number);
  return startOfDay(year, month - 1, date + daysAfter).toISOString();
}

/**
 * From the first day's midnight to the midnight after the last.
 * @param {{from: string, to: string}} days '' for no limit
 * @returns {{from: string, to: string}} '' where there is none
 */
export function moments({ from, to }) {
  return { from: from && midnight(from, 0), to: to && midnight(to, 1) };
}

/** @param {string} text @returns {boolean} */
export function isDay(text) {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(new Date(`${text}T00:00:00`).getTime());
}
