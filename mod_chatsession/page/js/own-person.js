/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What is here of oneself as a person: all of it as a file, who looked at it, and having it erased. The last two only where the site has them. */

import { api } from '../shared/api.js';
import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { defineMessages, formatNumber, formatTime, isolate, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { saveFile } from '../shared/save-file.js';
import { clearDrafts } from './drafts.js';

const ARCHIVE_END = '{"type":"end"';

defineMessages({
  en: {
    'person.archive': 'Everything about you',
    'person.archive_text': 'Your profile, sessions, keys, use, chats with all versions and ratings, and who looked at them, in one file.',
    'person.archive_do': 'Download everything',
    'person.access': 'Who opened your chats',
    'person.access_none': 'No operator has opened a chat of yours.',
    'person.access_row': '{time}: {who} opened “{title}”',
    'person.access_named': '{name} ({role})',
    'person.role_viewer': 'a viewer',
    'person.role_auditor': 'an auditor',
    'person.role_operator': 'an operator',
    'person.role_admin': 'an administrator',
    'person.erase': 'Erase your account',
    'person.erase_text': 'Your account with {conversations} chats and {messages} messages goes at once and does not come back.',
    'person.erase_password': 'Your password',
    'person.erase_sure': 'I want all of this to be erased.',
    'person.erase_do': 'Erase my account',
    'person.erase_unsure': 'Tick the box to go on.',
    'error.not_now': 'Your account cannot be erased from here now; ask the administrator.',
    'error.reauthenticate': 'Your last log-in is too long ago for this. Log out and in again first.',
    'error.last_admin': 'You are the last administrator; make another one first.',
  },
  ja: {
    'person.archive': 'あなたに関するすべて',
    'person.archive_text': 'プロフィール、セッション、キー、利用状況、すべての版と評価を含むチャット、閲覧の記録を 1 つのファイルに保存します。',
    'person.archive_do': 'すべてダウンロード',
    'person.access': 'チャットを閲覧した運用担当者',
    'person.access_none': 'チャットを閲覧した運用担当者はいません。',
    'person.access_row': '{time}: {who}が「{title}」を閲覧しました',
    'person.access_named': '{name}（{role}）',
    'person.role_viewer': '閲覧者',
    'person.role_auditor': '監査者',
    'person.role_operator': '運用担当者',
    'person.role_admin': '管理者',
    'person.erase': 'アカウントの消去',
    'person.erase_text': 'アカウントとチャット {conversations} 件、メッセージ {messages} 件がただちに消去され、元に戻せません。',
    'person.erase_password': 'パスワード',
    'person.erase_sure': 'すべて消去することに同意します。',
    'person.erase_do': 'アカウントを消去',
    'person.erase_unsure': '続けるにはチェックを入れてください。',
    'error.not_now': '現在、ここからアカウントを消去できません。管理者に問い合わせてください。',
    'error.reauthenticate': '前回のログインから時間が経っています。一度ログアウトし、再度ログインしてから行ってください。',
    'error.last_admin': 'あなたは最後の管理者です。先に別の管理者を作成してください。',
  },
});

/**
 * The parts, the last two hidden until the server says that the site has them.
 * @returns {HTMLElement[]}
 */
export function personParts() {
  const access = part('person.access');
  const erase = part('person.erase');
  access.hidden = true;
  erase.hidden = true;
  api.get('api/access').then((answer) => showAccess(access, answer)).catch(() => {});
  api.get('api/erase').then((answer) => showErase(erase, answer)).catch(() => {});
  return [archivePart(), access, erase];
}

function archivePart() {
  const note = el('p', { class: 'own-note', role: 'status' });
  const button = el('button', { class: 'button', type: 'button', dataset: { archive: '' } }, icon('download'), t('person.archive_do'));
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      const { blob, filename } = await api.download('api/archive');
      const whole = (await blob.slice(-1000).text()).includes(ARCHIVE_END);
      note.textContent = whole ? '' : t('data.cut');
      if (whole) saveFile(blob, filename || 'person.ndjson');
    } catch (error) {
      note.textContent = describeError(error);
    } finally {
      button.disabled = false;
    }
  });
  return part('person.archive', el('p', { class: 'own-note' }, t('person.archive_text')), el('div', { class: 'own-buttons' }, button), note);
}

function showAccess(node, { shown, access }) {
  node.hidden = !shown;
  node.append(access.length === 0
    ? el('p', { class: 'own-note' }, t('person.access_none'))
    : el('ul', { class: 'own-note', tabindex: '0', aria: { label: t('person.access') } }, access.map((row) => el('li', null, accessText(row)))));
}

function accessText({ at, role, operator, title }) {
  const roleText = t(`person.role_${role}`);
  return t('person.access_row', {
    time: formatTime(at),
    who: operator ? t('person.access_named', { name: isolate(operator), role: roleText }) : roleText,
    title: isolate(title || t('chat.untitled')),
  });
}

function showErase(node, { allowed, removed }) {
  node.hidden = !allowed;
  if (!allowed) {
    return;
  }
  const password = el('input', { class: 'input', id: 'erase-password', type: 'password', autocomplete: 'current-password' });
  const sure = el('input', { type: 'checkbox', id: 'erase-sure' });
  const problem = el('p', { class: 'notice notice-error', role: 'alert', hidden: true });
  const submit = el('button', { class: 'button button-danger', type: 'submit' }, t('person.erase_do'));
  const say = (words) => {
    problem.hidden = words === '';
    problem.textContent = words;
  };
  const form = el('form', { class: 'own-form' },
    el('p', { class: 'own-note' }, t('person.erase_text', { conversations: formatNumber(removed.conversations), messages: formatNumber(removed.messages) })),
    el('div', { class: 'field' }, el('label', { for: 'erase-password' }, t('person.erase_password')), password),
    el('div', null, sure, ' ', el('label', { for: 'erase-sure' }, t('person.erase_sure'))), problem, el('div', { class: 'own-buttons' }, submit));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    say(sure.checked ? '' : t('person.erase_unsure'));
    if (!sure.checked) {
      return;
    }
    submit.disabled = true;
    try {
      await api.post('api/erase', { ...(password.value ? { password: password.value } : {}), conversations: removed.conversations, messages: removed.messages });
      leave();
    } catch (error) {
      submit.disabled = false;
      say(describeError(error));
    }
  });
  replaceChildren(node, node.firstChild, form);
}

/* Nothing of the person stays on the page. */
function leave() {
  clearDrafts();
  document.body.replaceChildren();
  location.replace('./');
}

function part(key, ...content) {
  return el('section', { class: 'own-part' }, el('h3', { class: 'own-heading' }, t(key)), content);
}
