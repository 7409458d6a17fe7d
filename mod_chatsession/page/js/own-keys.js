/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Keys by which the user's own programs ask a model: make one, see it once, end it. */

import { api } from '../shared/api.js';
import { copyText } from '../shared/clipboard.js';
import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { defineMessages, formatTime, isolate, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { confirmDialog, toast } from '../shared/notify.js';

const NAME_LIMIT = 64;

defineMessages({
  en: {
    'apikeys.note': 'With a key, a program of yours asks the models here in your name, by the OpenAI API. What it asks is kept with your chats.',
    'apikeys.name': 'What the key is for',
    'apikeys.make': 'Make a key',
    'apikeys.made': 'This is the key “{name}”. It is shown only now: copy it to where the program reads it.',
    'apikeys.value': 'The new key',
    'apikeys.copy': 'Copy',
    'apikeys.copied': 'The key is copied.',
    'apikeys.copy_failed': 'The key could not be copied; mark it and copy it by hand.',
    'apikeys.failed': 'The keys could not be loaded',
    'apikeys.created': 'Made {time}',
    'apikeys.used': 'Last used {time}',
    'apikeys.unused': 'Never used',
    'apikeys.end': 'End',
    'apikeys.end_named': 'End the key “{name}”',
    'apikeys.end_title': 'End this key?',
    'apikeys.end_body': 'Programs that use “{name}” are refused from now on. This cannot be undone.',
    'apikeys.ended': 'The key “{name}” has ended.',
    'error.too_many_keys': 'You have as many keys as one user may have. End one first.',
  },
  ja: {
    'apikeys.note': 'キーを使うと、ご自分のプログラムから OpenAI API であなたとしてモデルを利用できます。やり取りはチャットと一緒に保存されます。',
    'apikeys.name': 'キーの用途',
    'apikeys.make': 'キーを作成',
    'apikeys.made': 'キー「{name}」です。表示されるのは今だけです。プログラムが読み取る場所にコピーしてください。',
    'apikeys.value': '新しいキー',
    'apikeys.copy': 'コピー',
    'apikeys.copied': 'キーをコピーしました。',
    'apikeys.copy_failed': 'コピーできませんでした。キーを選択して手動でコピーしてください。',
    'apikeys.failed': 'キーを読み込めませんでした',
    'apikeys.created': '作成 {time}',
    'apikeys.used': '最終使用 {time}',
    'apikeys.unused': '未使用',
    'apikeys.end': '無効にする',
    'apikeys.end_named': 'キー「{name}」を無効にする',
    'apikeys.end_title': 'このキーを無効にしますか？',
    'apikeys.end_body': '「{name}」を使うプログラムは、以後拒否されます。元に戻すことはできません。',
    'apikeys.ended': 'キー「{name}」を無効にしました。',
    'error.too_many_keys': 'キーの数が上限に達しています。先に 1 つ無効にしてください。',
  },
});

/**
 * The list and the form, empty until it is loaded.
 * @returns {{node: HTMLElement, load: function(): Promise<void>}}
 */
export function ownKeys() {
  const list = el('div');
  const made = el('div', { role: 'status' });
  const load = async () => {
    try {
      const { keys } = await api.get('api/keys');
      replaceChildren(list, keys.length > 0 && el('ul', { class: 'own-sessions' }, keys.map((key) => row(key, load))));
    } catch (error) {
      replaceChildren(list, el('p', { class: 'notice notice-error', role: 'alert' }, `${t('apikeys.failed')}: ${describeError(error)}`));
    }
  };
  const form = keyForm(async (key) => {
    replaceChildren(made, freshKey(key));
    made.querySelector('button').focus();
    await load();
  });
  return { node: el('div', { class: 'own-part' }, el('p', { class: 'own-note' }, t('apikeys.note')), list, form, made), load };
}

function keyForm(onMade) {
  const name = el('input', { class: 'input', id: 'apikey-name', maxlength: String(NAME_LIMIT), autocomplete: 'off', dir: 'auto', required: true });
  const problem = el('p', { class: 'notice notice-error', role: 'alert', hidden: true });
  const make = el('button', { class: 'button', type: 'submit' }, icon('plus'), t('apikeys.make'));
  const form = el('form', { class: 'own-form' },
    el('div', { class: 'field' }, el('label', { for: 'apikey-name' }, t('apikeys.name')), name), problem, el('div', { class: 'own-buttons' }, make));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const text = name.value.trim();
    if (text === '') {
      name.focus();
      return;
    }
    make.disabled = true;
    problem.hidden = true;
    try {
      const key = await api.post('api/keys', { name: text });
      name.value = '';
      await onMade(key);
    } catch (error) {
      problem.hidden = false;
      problem.textContent = describeError(error);
    } finally {
      make.disabled = false;
    }
  });
  return form;
}

/* The one time that the key itself is on the page; it goes with the dialog. */
function freshKey({ key, name }) {
  const value = el('input', { class: 'input own-key', readOnly: true, value: key, aria: { label: t('apikeys.value') }, spellcheck: 'false', dir: 'ltr' });
  value.addEventListener('focus', () => value.select());
  const copy = el('button', { class: 'button', type: 'button' }, icon('copy'), t('apikeys.copy'));
  copy.addEventListener('click', async () => {
    const copied = await copyText(key);
    toast(copied ? { text: t('apikeys.copied'), kind: 'success' } : { text: t('apikeys.copy_failed'), kind: 'error' });
  });
  return el('div', { class: 'own-made notice notice-success' }, el('p', null, t('apikeys.made', { name: isolate(name) })), value, copy);
}

function row(key, load) {
  const end = el('button', { class: 'button button-small', type: 'button', dataset: { endKey: key.id }, aria: { label: t('apikeys.end_named', { name: isolate(key.name) }) } }, t('apikeys.end'));
  end.addEventListener('click', () => endKey(key, load));
  return el('li', { class: 'own-session' },
    el('div', { class: 'own-session-text' },
      el('bdi', { class: 'own-browser' }, key.name),
      el('code', { class: 'own-note' }, `${key.prefix}…`),
      el('span', { class: 'own-note' }, t('apikeys.created', { time: formatTime(key.created_at) })),
      el('span', { class: 'own-note' }, key.last_used_at ? t('apikeys.used', { time: formatTime(key.last_used_at) }) : t('apikeys.unused'))),
    end);
}

/* One that was ended elsewhere meanwhile (404) is what was wanted. */
async function endKey({ id, name }, load) {
  const params = { name: isolate(name) };
  if (!(await confirmDialog({ title: t('apikeys.end_title'), body: t('apikeys.end_body', params), confirmLabel: t('apikeys.end'), danger: true }))) {
    return;
  }
  try {
    await api.del(`api/keys/${encodeURIComponent(id)}`);
  } catch (error) {
    if (error.status !== 404) {
      toast({ text: describeError(error), kind: 'error' });
      return;
    }
  }
  toast({ text: t('apikeys.ended', params), kind: 'success' });
  await load();
}
