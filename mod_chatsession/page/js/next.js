/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* ?next=: where AuthType ChatSession found that somebody must log in first. Whoever makes the link chooses it, so it may lead to a path of this site
 * and nowhere else. */

const KEY = 'chatsession.next';

/**
 * The address to go on to, or null.
 * @param {string} search location.search
 * @param {string} origin location.origin
 * @returns {string|null} a path of this origin, as URL has normalised it
 */
export function nextAddress(search, origin) {
  const given = new URLSearchParams(search).get('next');
  /* What URL would ignore (control characters) or turn round (backslashes) is no address that httpd sent. */
  if (given === null || !/^\/(?![/\\])[^\\\u0000-\u001f\u007f]*$/u.test(given)) {
    return null;
  }
  let url;
  try {
    url = new URL(given, origin);
  } catch {
    return null;
  }
  if (url.origin !== origin || url.username !== '' || url.password !== '' || url.pathname.startsWith('//')) {
    return null;
  }
  return url.pathname + url.search + url.hash;
}

/** Goes there after a log-in; false when there is nowhere to go. */
export function goOn() {
  const address = nextAddress(location.search, location.origin);
  if (address) {
    /* The part after # is never sent, but the browser carries it through the redirect to us. */
    location.replace(address.includes('#') ? address : address + location.hash);
  }
  return Boolean(address);
}

/**
 * The same for who is logged in already: only once for one address, since a place that sends them back here each time (a cookie
 * that is not sent there) would do so for ever.
 */
export function goOnOnce() {
  const address = nextAddress(location.search, location.origin);
  try {
    if (!address || sessionStorage.getItem(KEY) === address) {
      sessionStorage.removeItem(KEY);
      return false;
    }
    sessionStorage.setItem(KEY, address);
  } catch {
    return false;
  }
  return goOn();
}
