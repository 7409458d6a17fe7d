/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Words in the reader's language. Each module defines its own words; keys are `subject.word`. A template has {name} places and no plural
 * forms: sentences are written so that a number fits either way.
 */

import { dayNumber, zoneOption } from './zone.js';

const STORAGE_KEY = 'chatsession.language';
const EVENT = 'chatsession:language';
const catalogue = { en: {}, ja: {} };
let current = initialLanguage();

/** The languages the pages speak, code and own name. */
export const LANGUAGES = Object.freeze([
  { code: 'en', name: 'English' },
  { code: 'ja', name: '日本語' },
]);

/**
 * Adds words; a key that is there already is replaced.
 * @param {{en: Object<string, string>, ja: Object<string, string>}} messages
 */
export function defineMessages(messages) {
  for (const [code, words] of Object.entries(messages)) {
    catalogue[code] = Object.assign(catalogue[code] ?? {}, words);
  }
}

/**
 * The words for key in the current language (English where they are missing, the key itself where that is missing too).
 * @param {string} key
 * @param {Object<string, *>} [params] values of the {name} places
 * @returns {string}
 */
export function t(key, params) {
  const template = catalogue[current][key] ?? catalogue.en[key] ?? key;
  return template.replace(/\{(\w+)\}/g, (place, name) => (params && name in params ? String(params[name]) : place));
}

/* Marks of a writing direction that begin or end something: one that ends would end what text stands in. */
const DIRECTION_MARKS = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * text between isolating marks and without such of its own, so that its writing direction cannot reorder the words around it. The sentence
 * needs the direction of its own language, so not dir=auto.
 * @param {string} text
 * @returns {string}
 */
export function isolate(text) {
  return `\u2068${String(text).replace(DIRECTION_MARKS, '')}\u2069`;
}

/** Whether key has words in any language. @param {string} key @returns {boolean} */
export function hasMessage(key) {
  return key in catalogue[current] || key in catalogue.en;
}

/** All keys that a language lacks though another has them; for tests. @returns {Object<string, string[]>} */
export function missingMessages() {
  const all = new Set(Object.values(catalogue).flatMap((words) => Object.keys(words)));
  return Object.fromEntries(Object.entries(catalogue).map(([code, words]) => [code, [...all].filter((key) => !(key in words))]));
}

/** The current language's code, `en` or `ja`. @returns {string} */
export function language() {
  return current;
}

/**
 * Changes the language, remembers it, translates the document and tells listeners.
 * @param {string} code
 */
export function setLanguage(code) {
  if (!(code in catalogue)) {
    throw new RangeError(`no language "${code}": expected one of ${Object.keys(catalogue).join(', ')}`);
  }
  current = code;
  remember(code);
  document.documentElement.lang = code;
  translate(document);
  document.dispatchEvent(new CustomEvent(EVENT, { detail: { language: code } }));
}

/**
 * Calls fn() after every change of language.
 * @param {function(): void} fn
 * @returns {function(): void} takes the listener away again
 */
export function onLanguageChange(fn) {
  document.addEventListener(EVENT, fn);
  return () => document.removeEventListener(EVENT, fn);
}

/**
 * Fills `data-i18n="key"` (text) and `data-i18n-attr="title:key,placeholder:key"` (attributes) in root and below.
 * @param {ParentNode} [root]
 */
export function translate(root = document) {
  if (root === document) {
    document.documentElement.lang = current;
  }
  for (const node of withSelf(root, '[data-i18n]')) {
    node.textContent = t(node.dataset.i18n);
  }
  for (const node of withSelf(root, '[data-i18n-attr]')) {
    for (const pair of node.dataset.i18nAttr.split(',')) {
      const [name, key] = pair.split(':').map((part) => part.trim());
      node.setAttribute(name, t(key));
    }
  }
}

/**
 * Date and time in the reader's language, and in the zone that was chosen.
 * @param {string|null} iso
 * @param {Intl.DateTimeFormatOptions} [options]
 * @returns {string} '' for null
 */
export function formatTime(iso, options = { dateStyle: 'medium', timeStyle: 'short' }) {
  const date = parse(iso);
  return date === null ? '' : new Intl.DateTimeFormat(current, { ...zoneOption(), ...options }).format(date);
}

/**
 * A number in the reader's way of writing it.
 * @param {number|null} value
 * @param {Intl.NumberFormatOptions} [options]
 * @returns {string}
 */
export function formatNumber(value, options) {
  return value === null || value === undefined ? '' : new Intl.NumberFormat(current, options).format(value);
}

/**
 * How long somebody has to wait, rounded up to what people say: seconds, minutes or hours.
 * @param {number} seconds
 * @param {string} [unitDisplay] long or short
 * @returns {string}
 */
export function formatWait(seconds, unitDisplay = 'long') {
  const [size, unit] = seconds < 120 ? [1, 'second'] : seconds < 7200 ? [60, 'minute'] : [3600, 'hour'];
  return new Intl.NumberFormat(current, { style: 'unit', unit, unitDisplay }).format(Math.ceil(seconds / size));
}

/** Whole calendar days between date and now, in the reader's zone. @param {Date} date @returns {number} */
export function daysAgo(date) {
  return dayNumber(new Date()) - dayNumber(date);
}

function parse(iso) {
  const date = iso ? new Date(iso) : null;
  return date === null || Number.isNaN(date.getTime()) ? null : date;
}

function withSelf(root, selector) {
  const found = [...root.querySelectorAll(selector)];
  return root instanceof Element && root.matches(selector) ? [root, ...found] : found;
}

function initialLanguage() {
  const wanted = [recall(), ...(navigator.languages ?? [navigator.language])];
  for (const code of wanted) {
    const short = (code ?? '').toLowerCase().split('-')[0];
    if (short in catalogue) {
      return short;
    }
  }
  return 'en';
}

/* Storage can be switched off in a browser; the choice then lasts as long as the page. */
function remember(code) {
  try {
    localStorage.setItem(STORAGE_KEY, code);
  } catch {
    /* not remembered */
  }
}

function recall() {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}
