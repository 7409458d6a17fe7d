/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* An exported file, back into the database: tried first, then done, piece after piece, with what is wrong with which line. */

import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { formatNumber, hasMessage, t } from '../shared/i18n.js';
import { announce, openDialog } from '../shared/notify.js';
import { importLines } from './endpoints.js';
import { piecesOf } from './file_pieces.js';
import { labelled } from './form_dialog.js';
import { callFreshly, whenFresh } from './reauthenticate.js';

const PROBLEMS_SHOWN = 100;
const TOO_LARGE = 413;

/** Asks for a file and goes on from there. */
export function openImport() {
  const gone = new AbortController();
  const content = el('div', { class: 'dialog-form import-dialog' });
  const dialog = openDialog({ title: t('import.title'), content, onClose: () => gone.abort() });
  askForFile({ content, dialog, signal: gone.signal });
}

function askForFile(job) {
  const file = el('input', { type: 'file', id: 'import-file', class: 'input', accept: '.ndjson,.jsonl,.gz,application/x-ndjson,application/gzip' });
  const user = el('input', { type: 'text', id: 'import-user', class: 'input', autocomplete: 'off', maxlength: '255' });
  const problem = el('p', { class: 'notice notice-error', role: 'alert', hidden: true });
  const form = el(
    'form',
    { class: 'dialog-form', novalidate: true },
    el('p', { class: 'muted' }, t('import.lead')),
    labelled(t('import.file'), file),
    labelled(t('import.user'), user, t('import.user.note')),
    problem,
    actions(job, el('button', { class: 'button button-primary', type: 'submit' }, t('import.try'))),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    problem.hidden = file.files.length > 0;
    problem.textContent = t('import.file.needed');
    if (file.files.length > 0) {
      run({ ...job, file: file.files[0], user: user.value.trim() || null }, true);
    }
  });
  replaceChildren(job.content, form);
  file.focus();
}

function actions(job, ...more) {
  return el('div', { class: 'dialog-actions' }, el('button', { class: 'button', type: 'button', onclick: () => job.dialog.close('') }, t('console.cancel')), more);
}

/** The whole file once, tried or done; then its report. */
async function run(job, dryRun) {
  const bar = el('progress', { max: String(Math.max(job.file.size, 1)), value: '0', aria: { label: t('import.progress') } });
  const words = el('p', { class: 'muted' });
  const sum = { made: 0, there: 0, messages: 0, messagesThere: 0, problemCount: 0, problems: [], failure: '' };
  replaceChildren(job.content, bar, words, actions(job));
  try {
    for await (const piece of piecesOf(job.file)) {
      add(sum, await send(job, piece, dryRun));
      bar.value = piece.octets;
      words.textContent = t('import.soFar', { count: formatNumber(sum.made + sum.there) });
      if (job.signal.aborted) return;
    }
  } catch (error) {
    if (job.signal.aborted) return;
    sum.failure = error.code ? describeError(error) : t('import.unreadable');
  }
  report(job, sum, dryRun);
}

/** One conversation that is larger than a call may be costs itself, not the file. */
async function send(job, piece, dryRun) {
  try {
    const call = { lines: piece.lines, user: job.user, dry_run: dryRun, first_line: piece.firstLine, complete: piece.complete };
    return await callFreshly(() => importLines(call, job.signal));
  } catch (error) {
    if (error.status !== TOO_LARGE) throw error;
    const none = { made: 0, there: 0 };
    return { conversations: none, messages: none, problem_count: 1, problems: [{ line: piece.firstLine, problem: 'too_large', value: null, detail: '' }] };
  }
}

function add(sum, answer) {
  sum.made += answer.conversations.made;
  sum.there += answer.conversations.there;
  sum.messages += answer.messages.made;
  sum.messagesThere += answer.messages.there;
  sum.problemCount += answer.problem_count;
  sum.problems.push(...answer.problems.slice(0, PROBLEMS_SHOWN - sum.problems.length));
}

function report(job, sum, dryRun) {
  const counts = { made: formatNumber(sum.made), there: formatNumber(sum.there), messages: formatNumber(sum.messages), messagesThere: formatNumber(sum.messagesThere) };
  const nothing = sum.made + sum.messages === 0;
  const words = t(dryRun ? 'import.tried' : 'import.done', counts);
  const go = dryRun && !nothing && !sum.failure && el('button', { class: 'button button-primary', type: 'button', onclick: () => whenFresh(() => run(job, false)) }, t('import.do', { count: counts.made }));
  const close = el('button', { class: 'button', type: 'button', onclick: () => job.dialog.close('') }, t(go ? 'console.cancel' : 'console.close'));
  replaceChildren(
    job.content,
    sum.failure && el('p', { class: 'notice notice-error', role: 'alert' }, sum.failure, ' ', !dryRun && t('import.again')),
    el('p', { class: 'import-report' }, words),
    dryRun && nothing && el('p', { class: 'muted' }, t('import.nothing')),
    sum.problemCount > 0 && problemList(sum),
    el('div', { class: 'dialog-actions' }, close, go),
  );
  announce(words);
  (go || close).focus();
}

function problemList(sum) {
  const left = sum.problemCount - sum.problems.length;
  return el(
    'section',
    { class: 'import-problems', tabindex: '0', aria: { label: t('import.problems', { count: formatNumber(sum.problemCount) }) } },
    el('h3', null, t('import.problems', { count: formatNumber(sum.problemCount) })),
    el('ul', null, [...sum.problems].sort((a, b) => a.line - b.line).map((one) => el('li', null, t('import.line', { line: formatNumber(one.line), problem: wordsFor(one) })))),
    left > 0 && el('p', { class: 'muted' }, t('import.more', { count: formatNumber(left) })),
  );
}

function wordsFor({ problem, value, detail }) {
  const key = `import.problem.${problem}`;
  return hasMessage(key) ? t(key, { value: value ?? '' }) : detail;
}
