/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * What the screens showed last, so that the browser's Back, or a change of language, shows it again at once and without another
 * entry in the audit log. It lives as long as the page and is emptied when the session ends.
 */

const kept = new Map();

/**
 * Keep what a screen shows.
 * @param {string} screen one thing is kept per screen
 * @param {string} key what it is about, such as the query
 * @param {*} value
 */
export function keep(screen, key, value) {
  kept.set(screen, { key, value });
}

/**
 * What a screen showed last, if it was about the same.
 * @param {string} screen
 * @param {string} key
 * @returns {*} null when there is none
 */
export function recall(screen, key) {
  const entry = kept.get(screen);
  return entry?.key === key ? entry.value : null;
}

/** Forget what one screen showed, because it has changed; or all of it. @param {string} [screen] */
export function forget(screen) {
  if (screen === undefined) {
    kept.clear();
  } else {
    kept.delete(screen);
  }
}

/** What the last thing kept for a screen is about. @param {string} screen @returns {string|null} */
export function lastKey(screen) {
  return kept.get(screen)?.key ?? null;
}
