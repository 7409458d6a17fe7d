/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Jobs: expiries of many conversations and runs of the retention rules, how far they are and what came of them. */

import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { formatNumber, t } from '../shared/i18n.js';
import { confirmDialog, toast } from '../shared/notify.js';
import { cancelJob, getJob, listJobs } from './endpoints.js';
import { exportsInto } from './exports.js';
import { openImport } from './import_lines.js';
import { emptyBox, loadInto } from './loading.js';
import { pagedList } from './paged_list.js';
import { may } from './roles.js';
import { screenHeader } from './screen_header.js';
import { dataTable } from './table.js';
import { userText } from './user_text.js';
import { timeText } from './words_for.js';

const PAGE_SIZE = 50;
const FOLLOW_MS = 1000;

/**
 * @param {HTMLElement} host
 * @param {{role: string, signal: AbortSignal}} context
 */
export function showJobs(host, context) {
  const list = el('div', { class: 'list-host' });
  const exports = may(context.role, 'export') && el('div', { class: 'list-host' });
  const bring = may(context.role, 'import') && el('button', { class: 'button', type: 'button', onclick: openImport }, t('import.open'));
  replaceChildren(host, screenHeader(t('nav.jobs'), t('jobs.lead'), bring), list, exports && el('h2', null, t('export.list')), exports);
  jobsInto(list, {}, context);
  if (exports) {
    exportsInto(exports, context.signal);
  }
}

/**
 * A list of jobs, the running ones followed.
 * @param {HTMLElement} list
 * @param {{kind?: string}} query
 * @param {{role: string, signal: AbortSignal}} context
 */
export function jobsInto(list, query, context) {
  const loadPage = async (after) => {
    const page = await listJobs({ ...query, after, limit: PAGE_SIZE }, context.signal);
    return { rows: page.jobs, next: page.next };
  };
  loadInto(list, {
    load: () => loadPage(null),
    draw: (pages) =>
      pages.rows.length === 0
        ? emptyBox(t('jobs.empty'), t('jobs.empty.detail'))
        : pagedList({ pages, loadPage, table: dataTable({ caption: t('nav.jobs'), columns: columns(context), idOf: (job) => job.id }) }),
    signal: context.signal,
  });
}

function columns(context) {
  return [
    { label: t('jobs.kind'), class: 'primary', cell: (job) => t(`jobs.kind.${job.kind}`) },
    { label: t('list.col.state'), class: 'state job-state', cell: (job) => progressOf(job, context) },
    { label: t('jobs.begun'), class: 'time', cell: (job) => timeText(job.created_at) },
    { label: t('jobs.by'), class: 'user', cell: (job) => userText(job.created_by) },
  ];
}

/**
 * A job as a bar while it runs, then as its report; it follows the job by itself.
 * @param {Object} job
 * @param {{role: string, signal: AbortSignal, onEnd?: function(Object): void}} context
 * @returns {HTMLElement}
 */
export function progressOf(job, context) {
  const node = el('div', { class: 'job' });
  const show = (now) => replaceChildren(node, now.state === 'running' ? runningJob(now, context, show) : report(now));
  show(job);
  if (job.state === 'running') {
    follow(job.id, show, context);
  }
  return node;
}

async function follow(id, show, { signal, onEnd }) {
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
    const job = await getJob(id, signal).catch(() => null);
    if (signal.aborted) {
      return;
    }
    if (job) {
      show(job);
      if (job.state !== 'running') {
        onEnd?.(job);
        return;
      }
    }
  }
}

function runningJob(job, { role }, show) {
  const share = job.expected ? Math.max(job.progress, job.expired / job.expected) : job.progress;
  return [
    el('progress', { max: '1', value: String(Math.min(share, 1)), aria: { label: t('jobs.progress') } }),
    el('p', { class: 'muted' }, t('jobs.soFar', { count: formatNumber(job.expired), examined: formatNumber(job.examined) })),
    may(role, 'expire') &&
      el('button', { class: 'button button-small', type: 'button', onclick: () => cancelByDialog(job, show) }, t('jobs.cancel')),
  ];
}

function report(job) {
  const words = { done: 'badge-success', cancelled: 'badge-warn' };
  return [
    el('span', { class: `badge ${words[job.state]}` }, t(`jobs.state.${job.state}`)),
    el(
      'p',
      { class: 'muted' },
      t('jobs.report', { count: formatNumber(job.expired), messages: formatNumber(job.messages), held: formatNumber(job.held) }),
    ),
  ];
}

async function cancelByDialog(job, show) {
  const yes = await confirmDialog({ title: t('jobs.cancel.title'), body: t('jobs.cancel.detail'), confirmLabel: t('jobs.cancel.do') });
  if (!yes) {
    return;
  }
  try {
    show(await cancelJob(job.id));
  } catch (error) {
    toast({ text: describeError(error), kind: 'error' });
  }
}
