/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * Exports as they run: a card for each that this page began, and how any of them is shown. The file itself comes by a
 * link that works once, so that the browser streams it to disk however large it is; how far it is, the server knows.
 */

import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { formatNumber, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { announce, toast } from '../shared/notify.js';
import { cancelExport, getExport, linkExport, manifestUrl } from './endpoints.js';
import { whenFresh } from './reauthenticate.js';

const FOLLOW_MS = 1000;
const ENDED = ['done', 'cut', 'cancelled'];
let panel = null;

/**
 * Lets the browser save what a link stands for.
 * @param {string} link of the API
 */
export function save(link) {
  const anchor = el('a', { href: new URL(link, document.baseURI).href, download: '' });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
}

/**
 * Shows a card with an export until it is closed.
 * @param {Object} started the export as the API has it
 */
export function followExport(started) {
  panel ??= document.body.appendChild(el('section', { class: 'exports-panel', aria: { label: t('export.running') } }));
  const card = el('article', { class: 'export-card' });
  const gone = new AbortController();
  const close = el(
    'button',
    { class: 'icon-button', type: 'button', aria: { label: t('console.close') }, onclick: () => { gone.abort(); card.remove(); } },
    icon('close'),
  );
  card.append(el('div', { class: 'export-card-head' }, el('strong', null, t('export.card', { format: formatName(started) })), close), exportState(started, gone.signal));
  panel.append(card);
}

/**
 * The format in words.
 * @param {{format: string, gzip: boolean}} one
 * @returns {string}
 */
export function formatName(one) {
  return one.format + (one.gzip ? '.gz' : '');
}

/**
 * An export as a bar while it runs, then as its report; it follows the export by itself.
 * @param {Object} one the export as the API has it
 * @param {AbortSignal} signal
 * @returns {HTMLElement}
 */
export function exportState(one, signal) {
  const node = el('div', { class: 'job export-state' });
  const show = (now) => replaceChildren(node, ENDED.includes(now.state) ? report(now, again) : running(now, show));
  const again = (now) => {
    show(now);
    follow(now.id, show, signal);
  };
  show(one);
  if (!ENDED.includes(one.state)) {
    follow(one.id, show, signal);
  }
  return node;
}

async function follow(id, show, signal) {
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
    const now = signal.aborted ? null : await getExport(id, signal).catch(() => null);
    if (now && !signal.aborted) {
      show(now);
      if (ENDED.includes(now.state)) {
        announce(t(`export.state.${now.state}`));
        return;
      }
    }
  }
}

function running(now, show) {
  return [
    el('progress', { max: '1', value: String(now.progress), aria: { label: t('export.progress') } }),
    el('p', { class: 'muted' }, t('export.soFar', { count: formatNumber(now.conversations), expected: formatNumber(now.expected) })),
    el('button', { class: 'button button-small', type: 'button', onclick: () => cancel(now, show) }, t('export.cancel')),
  ];
}

async function cancel(now, show) {
  try {
    show(await cancelExport(now.id));
  } catch (error) {
    toast({ text: describeError(error), kind: 'error' });
  }
}

function report(now, again) {
  const words = { done: 'badge-success', cut: 'badge-error', cancelled: 'badge-warn' };
  return [
    el('span', { class: `badge ${words[now.state]}` }, t(`export.state.${now.state}`)),
    el('p', { class: 'muted' }, t('export.report', { count: formatNumber(now.conversations), messages: formatNumber(now.messages) })),
    now.sha256 && el('code', { class: 'export-digest', title: 'SHA-256' }, now.sha256),
    now.state === 'done' && el('a', { class: 'button button-small', href: manifestUrl(now.id), download: '' }, icon('download'), t('export.manifest')),
    now.state === 'cut' && now.resumable && resumeControl(now, again),
  ];
}

/** The file that was cut says how much of it is there; the rest comes as a second file. */
function resumeControl(now, again) {
  const file = el('input', { type: 'file', class: 'visually-hidden', aria: { label: t('export.resume.file') }, onchange: () => file.files[0] && resume(now, file.files[0].size, again) });
  return [
    el('button', { class: 'button button-small', type: 'button', onclick: () => file.click() }, t('export.resume')),
    el('p', { class: 'muted' }, t('export.resume.detail')),
    file,
  ];
}

function resume(now, octets, again) {
  whenFresh(async () => {
    try {
      const answer = await linkExport(now.id, octets);
      save(answer.link);
      again({ ...answer.export, state: 'ready' });
    } catch (error) {
      toast({ text: describeError(error), kind: 'error' });
    }
  });
}
