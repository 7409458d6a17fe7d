/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Lengths as the API counts them: in Unicode code points, where a JavaScript string counts UTF-16 units. */

/**
 * How many code points text has.
 * @param {string} text
 * @returns {number}
 */
export function codePointLength(text) {
  let count = text.length;
  for (let i = 1; i < text.length; i += 1) {
    if (isLow(text.charCodeAt(i)) && isHigh(text.charCodeAt(i - 1))) {
      count -= 1;
    }
  }
  return count;
}

/**
 * text without its first `count` code points.
 * @param {string} text
 * @param {number} count
 * @returns {string}
 */
export function dropCodePoints(text, count) {
  let at = 0;
  for (let left = count; left > 0 && at < text.length; left -= 1) {
    at += text.codePointAt(at) > 0xffff ? 2 : 1;
  }
  return text.slice(at);
}

function isHigh(unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
