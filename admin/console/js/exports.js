/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The list of exports: who took what along, whether it arrived whole, and what was cut gone on with. */

import { el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { listExports } from './endpoints.js';
import { exportState, formatName } from './export_progress.js';
import { emptyBox, loadInto } from './loading.js';
import { pagedList } from './paged_list.js';
import { dataTable } from './table.js';
import { userText } from './user_text.js';
import { timeText } from './words_for.js';

const PAGE_SIZE = 20;

/**
 * @param {HTMLElement} list
 * @param {AbortSignal} signal
 */
export function exportsInto(list, signal) {
  const loadPage = async (after) => {
    const page = await listExports({ after, limit: PAGE_SIZE }, signal);
    return { rows: page.exports, next: page.next };
  };
  loadInto(list, {
    load: () => loadPage(null),
    draw: (pages) =>
      pages.rows.length === 0
        ? emptyBox(t('export.empty'), t('export.empty.detail'))
        : pagedList({ pages, loadPage, table: dataTable({ caption: t('export.list'), columns: columns(signal), idOf: (one) => one.id }) }),
    signal,
  });
}

function columns(signal) {
  return [
    { label: t('export.col.export'), class: 'primary', cell: (one) => el('span', null, formatName(one)) },
    { label: t('list.col.state'), class: 'state job-state', cell: (one) => exportState(one, signal) },
    { label: t('export.col.watermark'), class: 'time', cell: (one) => timeText(one.watermark) },
    { label: t('jobs.by'), class: 'user', cell: (one) => userText(one.operator) },
  ];
}
