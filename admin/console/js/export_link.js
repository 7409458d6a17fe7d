/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* A download of conversations: a plain link, so that the browser streams it to disk and shows its own progress. */

import { el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { toast } from '../shared/notify.js';
import { exportUrl } from './endpoints.js';
import { downloadWhenFresh } from './reauthenticate.js';

const FORMATS = [
  ['ndjson', 'NDJSON'],
  ['json', 'JSON'],
  ['csv', 'CSV'],
  ['md', 'Markdown'],
  ['openai', 'OpenAI JSONL'],
];

/** How many ids fit into an address that every server takes (8,190 octets). */
export const MAX_EXPORT_IDS = 200;

/**
 * @param {Object} query the list's filter as the API takes it, or `{ids: "a,b"}`
 * @param {string} label
 * @returns {HTMLElement} the link, and the choice of the format
 */
export function exportLink(query, label) {
  const link = el(
    'a',
    { class: 'button button-small', href: exportUrl(query), download: '', onclick: (event) => downloadWhenFresh(event, () => toast({ text: t('export.started') })) },
    icon('download'),
    label,
  );
  const format = el(
    'select',
    { class: 'input input-small', aria: { label: t('export.format') } },
    FORMATS.map(([name, words]) => el('option', { value: name }, words)),
  );
  format.addEventListener('change', () => link.setAttribute('href', exportUrl({ ...query, format: format.value })));
  return el('span', { class: 'export' }, link, format);
}
