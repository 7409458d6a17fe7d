/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The columns of the list of conversations, for the role that looks at them. */

import { el } from '../shared/dom.js';
import { formatNumber, t } from '../shared/i18n.js';
import { may } from './roles.js';
import { hrefFor, hrefForConversation } from './router.js';
import { plainUserText, userText, withMarks } from './user_text.js';
import { dash, timeText } from './words_for.js';

/**
 * What a conversation is called where it must have a name.
 * @param {{title: string|null, id: string}} row
 * @returns {string}
 */
export function conversationName(row) {
  return row.title ? plainUserText(row.title) : row.id;
}

/* Columns that can be chosen, and those that are shown unless others are. */
const CHOICE = ['user', 'updated', 'created', 'messages', 'models', 'state', 'feedback', 'notWhole', 'tokens'];
const USUAL = ['user', 'updated', 'created', 'messages', 'models', 'state'];

/**
 * The columns that the address bar names.
 * @param {string} cols names, separated by commas; '' for the usual ones
 * @returns {string[]}
 */
function chosenColumns(cols) {
  const asked = cols.split(',').filter((name) => CHOICE.includes(name));
  return asked.length > 0 ? asked : USUAL;
}

/**
 * Tick boxes for the columns.
 * @param {string} cols as in the address bar
 * @param {function(string): void} onChoose gets them in the same form, '' for the usual ones
 * @returns {HTMLElement}
 */
export function columnChoice(cols, onChoose) {
  const chosen = new Set(chosenColumns(cols));
  const boxes = CHOICE.map((name) => {
    const box = el('input', { type: 'checkbox', checked: chosen.has(name), dataset: { column: name } });
    box.addEventListener('change', () => {
      chosen[box.checked ? 'add' : 'delete'](name);
      const wanted = CHOICE.filter((one) => chosen.has(one));
      onChoose(wanted.join() === USUAL.join() ? '' : wanted.join());
    });
    return el('label', null, box, t(`list.col.${name}`));
  });
  return el('details', { class: 'column-choice' }, el('summary', { class: 'button button-small' }, t('list.columns')), el('div', null, boxes));
}

/**
 * @param {string} role a viewer sees the id in place of the title
 * @param {import('./conversation_filter.js').Filter} filter
 * @returns {import('./table.js').Column[]}
 */
export function conversationColumns(role, filter) {
  const content = may(role, 'readContent');
  const columns = {
    name: { label: t(content ? 'list.col.title' : 'list.col.id'), class: 'primary', cell: (row) => nameCell(row, content, filter.q) },
    user: {
      label: t('list.col.user'),
      class: 'user',
      cell: (row) => el('a', { class: 'quiet-link', href: hrefFor('conversations', { user: row.user }) }, userText(row.user)),
    },
    updated: { label: t('list.col.updated'), class: 'time', cell: (row) => timeText(row.updated_at) },
    created: { label: t('list.col.created'), class: 'time secondary', cell: (row) => timeText(row.created_at) },
    messages: { label: t('list.col.messages'), class: 'number', cell: (row) => formatNumber(row.message_count) },
    models: {
      label: t('list.col.models'),
      class: 'models secondary',
      cell: (row) => modelsText(row.models),
      skipOnCard: (row) => !row.models?.length,
    },
    state: { label: t('list.col.state'), class: 'state', cell: (row) => stateText(row), skipOnCard: (row) => row.state === 'active' && !row.held },
    feedback: { label: t('list.col.feedback'), class: 'brief', cell: (row) => feedbackText(row), skipOnCard: (row) => !row.up && !row.down },
    notWhole: { label: t('list.col.notWhole'), class: 'number', cell: (row) => formatNumber(row.not_whole), skipOnCard: (row) => !row.not_whole },
    tokens: { label: t('list.col.tokens'), class: 'number', cell: (row) => formatNumber(row.tokens) },
  };
  return ['name', ...chosenColumns(filter.cols)].map((name) => columns[name]);
}

function feedbackText({ up, down }) {
  return up || down ? t('list.feedback.counts', { up: formatNumber(up), down: formatNumber(down) }) : dash();
}

/**
 * Active or in the trash, and until when.
 * @param {{state: string, purge_at: string|null, held?: boolean}} row
 * @returns {(Node|string)[]}
 */
export function stateText(row) {
  const held = row.held && el('span', { class: 'badge badge-info' }, t('holds.badge'));
  if (row.state !== 'trashed') {
    return [el('span', { class: 'badge badge-success' }, t('list.state.active')), held];
  }
  const [before, after] = t('list.purgeAt').split('{time}');
  const until = row.purge_at && el('span', { class: 'muted state-until' }, before, timeText(row.purge_at, { dateStyle: 'medium' }), after);
  return [el('span', { class: 'badge badge-warn' }, t('list.state.trashed')), held, until];
}

/**
 * Names of models, each isolated.
 * @param {string[]} models
 * @returns {(Node|string)[]|HTMLElement}
 */
export function modelsText(models) {
  return models?.length ? models.map((model, index) => [index > 0 && ', ', userText(model)]) : dash();
}

function nameCell(row, content, q) {
  const link = el(
    'a',
    { class: content ? 'title-link' : 'title-link mono', href: hrefForConversation(row.id) },
    content ? titleText(row.title) : row.id,
  );
  const tags = row.tags?.length > 0 && tagList(row.tags);
  return row.snippet || tags ? [link, tags, row.snippet && el('p', { class: 'snippet muted' }, highlighted(row.snippet, q))] : link;
}

/**
 * Tags, each a link to the list of what has it.
 * @param {string[]} tags
 * @returns {HTMLElement}
 */
export function tagList(tags) {
  return el(
    'ul',
    { class: 'chips' },
    tags.map((tag) => el('li', null, el('a', { class: 'badge', href: hrefFor('conversations', { tag, state: 'all' }) }, userText(tag)))),
  );
}

function titleText(title) {
  return title ? userText(title) : el('span', { class: 'muted' }, t('console.untitled'));
}

/* The snippet is text, never markup: what was searched for is found again here, as a whole or else word by word. */
function highlighted(snippet, q) {
  const whole = splitAt(snippet, [q]);
  const pieces = whole.length > 1 ? whole : splitAt(snippet, q.split(/\s+/u));
  return el(
    'bdi',
    { dir: 'auto' },
    pieces.map((piece, index) => (index % 2 === 0 ? withMarks(piece) : el('mark', null, withMarks(piece)))),
  );
}

/* Cuts text around the words: every second piece is one of them. */
function splitAt(text, words) {
  const patterns = words.filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return patterns.length > 0 ? text.split(new RegExp(`(${patterns.join('|')})`, 'giu')) : [text];
}
