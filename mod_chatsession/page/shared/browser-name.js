/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* A short name for a browser from its User-Agent header. A guess for people; the header itself is on hover. */

/* In this order: later browsers also carry the names of earlier ones. */
const BROWSERS = [
  ['Edge', /\bEdg(?:A|iOS)?\/(\d+)/],
  ['Firefox', /\b(?:Firefox|FxiOS)\/(\d+)/],
  ['Chrome', /\b(?:Chrome|CriOS|HeadlessChrome)\/(\d+)/],
  ['Safari', /\bVersion\/(\d+).*\bSafari\//],
  ['curl', /\bcurl\/(\d+)/],
];
const SYSTEMS = [
  ['Android', /\bAndroid\b/],
  ['iOS', /\b(?:iPhone|iPad|iPod)\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
];
const MAX_LENGTH = 40;

/**
 * @param {string|null} agent
 * @returns {string} such as "Firefox 128, Linux"; the beginning of the header when it is not known; '' without one
 */
export function browserName(agent) {
  if (!agent) {
    return '';
  }
  const browser = BROWSERS.map(([name, pattern]) => [name, pattern.exec(agent)?.[1]]).find(([, version]) => version);
  const system = SYSTEMS.find(([, pattern]) => pattern.test(agent))?.[0];
  if (!browser) {
    return agent.slice(0, MAX_LENGTH);
  }
  return [browser.join(' '), system].filter(Boolean).join(', ');
}
