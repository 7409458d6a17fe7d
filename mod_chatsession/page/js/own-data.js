/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* All of one's own: take it home as a file, or bring it along from another service. */

import { api } from '../shared/api.js';
import { el, replaceChildren } from '../shared/dom.js';
import { describeError, isTransient } from '../shared/errors.js';
import { defineMessages, formatNumber, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { openDialog, toast } from '../shared/notify.js';
import { saveFile } from '../shared/save-file.js';
import { UnknownFormat, readImport } from './import-sources.js';
import { personParts } from './own-person.js';
import { untilSignedIn } from './relogin.js';
import { ownShares } from './sharing.js';

const PAUSES_MS = [1000, 2000, 4000, 8000];
const SEND_TIMEOUT_MS = 120000;
const SHOWN_LEFT_OUT = 200;
const CHANGED = 'chatsession:imported';

defineMessages({
  en: {
    'data.open': 'Import and export',
    'data.title': 'Your data',
    'data.export': 'Export',
    'data.export_text': 'All your chats in one file, with those in the archive and in the trash.',
    'data.ndjson': 'As NDJSON',
    'data.markdown': 'As Markdown',
    'data.exporting': 'The file is being made…',
    'data.cut': 'The file did not arrive whole. Please try again.',
    'data.import': 'Import',
    'data.import_text': 'Bring along your chats from ChatGPT (conversations.json, out of the archive that it sends you), from Open WebUI (its JSON export) or from here. What is here already is not doubled.',
    'data.choose': 'Choose a file',
    'data.unknown': 'No chats were found in “{name}”. Expected: conversations.json of ChatGPT, an export of Open WebUI, or an export from here.',
    'data.unreadable': '“{name}” could not be read.',
    'data.progress': '{done} of {count} chats from “{name}”',
    'data.cancel': 'Stop',
    'data.go_on': 'Go on',
    'data.stopped': 'Stopped after {done} of {count} chats. What was imported stays; you can go on at any time.',
    'data.done': 'Finished: {made} chats imported, {there} were here already.',
    'data.left_out': 'Left out',
    'data.why_empty': 'without text',
    'data.why_too_large': 'too large',
    'data.why_unreadable': 'not readable',
    'data.why_refused': 'refused: {words}',
    'data.skipped_files': 'Images and files: {count}',
    'data.skipped_tools': 'Calls of tools and their results: {count}',
    'data.skipped_reasoning': 'Thoughts of the model: {count}',
    'data.skipped_unasked': 'Answers without a question: {count}',
    'data.more': 'and {count} more',
  },
  ja: {
    'data.open': '読み込みと書き出し',
    'data.title': 'データ',
    'data.export': '書き出し',
    'data.export_text': 'アーカイブとゴミ箱を含むすべてのチャットを 1 つのファイルに保存します。',
    'data.ndjson': 'NDJSON 形式',
    'data.markdown': 'Markdown 形式',
    'data.exporting': 'ファイルを作成しています…',
    'data.cut': 'ファイルを最後まで受信できませんでした。もう一度お試しください。',
    'data.import': '読み込み',
    'data.import_text': 'ChatGPT（送られてくるアーカイブの中の conversations.json）、Open WebUI（JSON 形式の書き出し）、またはこのサイトのチャットを読み込みます。すでにあるチャットは重複しません。',
    'data.choose': 'ファイルを選択',
    'data.unknown': '「{name}」にチャットは見つかりませんでした。ChatGPT の conversations.json、Open WebUI の書き出し、またはこのサイトの書き出しを選んでください。',
    'data.unreadable': '「{name}」を読み取れませんでした。',
    'data.progress': '「{name}」のチャット {count} 件中 {done} 件',
    'data.cancel': '停止',
    'data.go_on': '続ける',
    'data.stopped': 'チャット {count} 件中 {done} 件で停止しました。読み込んだ分は残ります。いつでも続けられます。',
    'data.done': '完了: {made} 件を読み込みました。{there} 件はすでにありました。',
    'data.left_out': '読み込まなかったもの',
    'data.why_empty': '本文なし',
    'data.why_too_large': '大きすぎます',
    'data.why_unreadable': '読み取れません',
    'data.why_refused': '拒否されました: {words}',
    'data.skipped_files': '画像とファイル: {count} 件',
    'data.skipped_tools': 'ツールの呼び出しと結果: {count} 件',
    'data.skipped_reasoning': 'モデルの思考: {count} 件',
    'data.skipped_unasked': '質問のない回答: {count} 件',
    'data.more': 'ほか {count} 件',
  },
});

/** Opens the dialog. */
export function showOwnData() {
  const work = { closed: false };
  const shares = ownShares();
  openDialog({
    title: t('data.title'),
    content: [exportPart(), importPart(work), part('share.mine', shares.node), ...personParts()],
    class: 'own-account',
    onClose: () => {
      work.closed = true;
    },
  });
  shares.load();
}

/** Calls fn() when conversations have been imported. @param {function(): void} fn */
export function onImported(fn) {
  document.addEventListener(CHANGED, fn);
}

/* --- export --- */

function exportPart() {
  const note = el('p', { class: 'own-note', role: 'status' });
  const buttons = [['ndjson', 'data.ndjson'], ['md', 'data.markdown']].map(([format, words]) => el('button', { class: 'button', type: 'button', dataset: { export: format } }, icon('download'), t(words)));
  buttons.forEach((button) => button.addEventListener('click', async () => {
    buttons.forEach((one) => { one.disabled = true; });
    note.textContent = t('data.exporting');
    try {
      await save(button.dataset.export);
      note.textContent = '';
    } catch (error) {
      note.textContent = describeError(error);
    } finally {
      buttons.forEach((one) => { one.disabled = false; });
    }
  }));
  return part('data.export', el('p', { class: 'own-note' }, t('data.export_text')), el('div', { class: 'own-buttons' }, buttons), note);
}

async function save(format) {
  const { blob, filename } = await api.download('api/export', { format });
  if (format === 'ndjson' && !(await blob.slice(-1000).text()).includes('{"type":"end"')) {
    throw Object.assign(new Error(), { detail: t('data.cut') });
  }
  saveFile(blob, filename || `conversations.${format}`);
}

/* --- import --- */

function importPart(work) {
  const field = el('input', { type: 'file', class: 'visually-hidden', id: 'import-file', aria: { label: t('data.choose') }, accept: '.json,.ndjson,.jsonl,application/json', tabindex: '-1' });
  const choose = el('button', { class: 'button', type: 'button', onclick: () => field.click() }, icon('upload'), t('data.choose'));
  const box = el('div', { class: 'import-box' });
  field.addEventListener('change', async () => {
    const [file] = field.files;
    field.value = '';
    if (file) {
      choose.disabled = true;
      await importFile(file, box, work);
      choose.disabled = false;
    }
  });
  return part('data.import', el('p', { class: 'own-note' }, t('data.import_text')), el('div', { class: 'own-buttons' }, choose, field), box);
}

async function importFile(file, box, work) {
  let entries;
  try {
    ({ entries } = readImport(await file.text()));
  } catch (error) {
    const words = error instanceof UnknownFormat ? 'data.unknown' : 'data.unreadable';
    replaceChildren(box, el('p', { class: 'notice notice-error', role: 'alert' }, t(words, { name: file.name })));
    return;
  }
  const job = { name: file.name, entries, done: 0, made: 0, there: 0, leftOut: [], skipped: {} };
  await run(job, box, work);
}

async function run(job, box, work) {
  const count = job.entries.length;
  const bar = el('progress', { max: String(count), value: String(job.done), aria: { label: t('data.import') } });
  const words = el('p', { class: 'own-note', role: 'status' });
  let stopped = false;
  const stop = el('button', { class: 'button button-small', type: 'button', onclick: () => { stopped = true; } }, t('data.cancel'));
  replaceChildren(box, bar, words, stop);
  const show = () => {
    bar.value = job.done;
    words.textContent = t('data.progress', { done: formatNumber(job.done), count: formatNumber(count), name: job.name });
  };
  show();
  let problem = null;
  while (job.done < count && !stopped && !work.closed && problem === null) {
    problem = await bring(job.entries[job.done], job);
    if (problem === null) {
      job.done += 1;
      show();
    }
  }
  if (job.made > 0) {
    document.dispatchEvent(new CustomEvent(CHANGED));
  }
  if (work.closed && job.done < count) {
    toast({ text: t('data.stopped', { done: formatNumber(job.done), count: formatNumber(count) }) });
  }
  report(job, problem, box, work);
}

/** One conversation. @returns {Promise<Error|null>} why the import cannot go on; what is wrong with one conversation does not stop it */
async function bring(entry, job) {
  if (entry.body !== null) {
    try {
      const answer = await send(entry.body);
      job[answer.made ? 'made' : 'there'] += 1;
    } catch (error) {
      if (![400, 413].includes(error.status)) {
        return error;
      }
      job.leftOut.push({ title: entry.title, why: t('data.why_refused', { words: error.detail || describeError(error) }) });
      return null;
    }
  } else {
    job.leftOut.push({ title: entry.title, why: t(`data.why_${entry.reason}`) });
  }
  for (const [kind, number] of Object.entries(entry.skipped)) {
    job.skipped[kind] = (job.skipped[kind] ?? 0) + number;
  }
  return null;
}

/* The key makes a repeat harmless, so what may pass is waited out. */
async function send(body) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await api.post('api/conversations/import', body, { timeout: SEND_TIMEOUT_MS });
    } catch (error) {
      if (error.status === 401) {
        await untilSignedIn();
      } else if (!isTransient(error) || attempt >= PAUSES_MS.length) {
        throw error;
      } else {
        await new Promise((resolve) => { setTimeout(resolve, error.retryAfter ? error.retryAfter * 1000 : PAUSES_MS[attempt]); });
      }
    }
  }
}

function report(job, problem, box, work) {
  const finished = job.done === job.entries.length;
  const numbers = { done: formatNumber(job.done), count: formatNumber(job.entries.length), made: formatNumber(job.made), there: formatNumber(job.there) };
  const skipped = Object.entries(job.skipped).map(([kind, count]) => t(`data.skipped_${kind}`, { count: formatNumber(count) }));
  const left = job.leftOut.slice(0, SHOWN_LEFT_OUT).map(({ title, why }) => el('li', null, el('bdi', null, title || t('chat.untitled')), ` (${why})`));
  const more = job.leftOut.length > SHOWN_LEFT_OUT && el('li', null, t('data.more', { count: formatNumber(job.leftOut.length - SHOWN_LEFT_OUT) }));
  const goOn = el('button', { class: 'button button-small', type: 'button', onclick: () => run(job, box, work) }, t('data.go_on'));
  replaceChildren(box,
    problem && el('p', { class: 'notice notice-error', role: 'alert' }, describeError(problem)),
    el('p', { class: finished ? 'notice notice-success' : 'notice notice-warn', role: 'status' }, t(finished ? 'data.done' : 'data.stopped', numbers)),
    !finished && el('div', { class: 'own-buttons' }, goOn),
    (left.length > 0 || skipped.length > 0) && [
      el('h4', { class: 'own-heading' }, t('data.left_out')),
      el('ul', { class: 'import-left-out', tabindex: '0', aria: { label: t('data.left_out') } }, skipped.map((words) => el('li', null, words)), left, more),
    ]);
}

function part(key, ...content) {
  return el('section', { class: 'own-part' }, el('h3', { class: 'own-heading' }, t(key)), content);
}
