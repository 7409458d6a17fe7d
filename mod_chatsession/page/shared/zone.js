/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The zone that times are shown in: the device's, or one that the reader has chosen, as operators of hosts in other places do. */

const STORAGE_KEY = 'chatsession.zone';
let current = recall();
let clock = null; // the zone's, made when first asked: making one takes longer than all else here

/** An IANA name, or '' for the device's own zone. @returns {string} */
export function timeZone() {
  return current;
}

/** Chooses a zone and remembers it. @param {string} name an IANA name, or '' for the device's own zone */
export function setTimeZone(name) {
  if (!isZone(name)) {
    throw new RangeError(`no time zone "${name}": expected an IANA name such as Asia/Tokyo, or nothing`);
  }
  current = name;
  clock = null;
  try {
    localStorage.setItem(STORAGE_KEY, name);
  } catch {
    /* not remembered: storage can be switched off in a browser */
  }
}

/** All zones that can be chosen, UTC first. @returns {string[]} */
export function timeZones() {
  return ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')];
}

/** The zone of the device. @returns {string} */
export function deviceZone() {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** What Intl.DateTimeFormat takes for the zone. @returns {Intl.DateTimeFormatOptions} */
export function zoneOption() {
  return current ? { timeZone: current } : {};
}

/**
 * The moment that a day of the calendar begins in the zone. Days past the end of a month run on into the next.
 * @param {number} year
 * @param {number} month 0 to 11
 * @param {number} date
 * @returns {Date}
 */
export function startOfDay(year, month, date) {
  const wanted = Date.UTC(year, month, date);
  let at = wanted - offsetAt(wanted);
  at = wanted - offsetAt(at); // where the clocks were changed between the two
  return new Date(at);
}

/** The day of the calendar that it is in the zone, as a number of days. @param {Date} date @returns {number} */
export function dayNumber(date) {
  return Math.floor((date.getTime() + offsetAt(date.getTime())) / 86400000);
}

/* How far the zone's clocks are ahead of UTC at that moment, in milliseconds. */
function offsetAt(at) {
  if (!current) {
    return -new Date(at).getTimezoneOffset() * 60000;
  }
  clock ??= new Intl.DateTimeFormat('en-US', {
    timeZone: current,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const part = Object.fromEntries(clock.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const shown = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
  return shown - Math.floor(at / 1000) * 1000;
}

function isZone(name) {
  try {
    return name === '' || Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

function recall() {
  try {
    const name = localStorage.getItem(STORAGE_KEY) ?? '';
    return isZone(name) ? name : '';
  } catch {
    return '';
  }
}
