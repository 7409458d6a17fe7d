/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The control that exports conversations: a format, and a link that asks for the file and follows it. */

import { el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { toast } from '../shared/notify.js';
import { createExport, exportUrl } from './endpoints.js';
import { followExport, save } from './export_progress.js';
import { whenFresh } from './reauthenticate.js';

const FORMATS = [
  ['ndjson', 'NDJSON'],
  ['ndjson gzip', 'NDJSON, gzip'],
  ['json', 'JSON'],
  ['csv', 'CSV'],
  ['csv gzip', 'CSV, gzip'],
  ['md', 'Markdown'],
  ['openai', 'OpenAI JSONL'],
];

/**
 * @param {{ids: string[]}|{filter: Object}} target what the API takes
 * @param {string} label
 * @returns {HTMLElement} the link, and the choice of the format
 */
export function exportLink(target, label) {
  const format = el(
    'select',
    { class: 'input input-small', aria: { label: t('export.format') } },
    FORMATS.map(([name, words]) => el('option', { value: name }, words)),
  );
  /* The address is for whoever opens it elsewhere; a click asks for the file in two steps, and a long list of ids fits only there. */
  const link = el(
    'a',
    { class: 'button button-small', href: exportUrl(target.filter ?? {}), download: '', onclick: (event) => { event.preventDefault(); begin(target, format.value); } },
    icon('download'),
    label,
  );
  return el('span', { class: 'export' }, link, format);
}

function begin(target, choice) {
  const [format, compress = 'none'] = choice.split(' ');
  whenFresh(async () => {
    try {
      const answer = await createExport({ ...target, format, compress });
      save(answer.link);
      followExport(answer.export);
    } catch (error) {
      toast({ text: describeError(error), kind: 'error' });
    }
  });
}
