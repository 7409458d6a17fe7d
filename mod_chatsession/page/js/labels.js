/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The user's own labels: which a chat has, asked for in a dialog; and all of them, to be renamed or removed. */

import { api } from '../shared/api.js';
import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { defineMessages, formatNumber, isolate, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { confirmDialog, openDialog, toast } from '../shared/notify.js';
import { LABEL_LIMIT, LABELS_LIMIT, labelsOf } from './label-words.js';

defineMessages({
  en: {
    'labels.menu': 'Labels',
    'labels.title': 'Labels of this chat',
    'labels.add_title': 'Add labels',
    'labels.known': 'Your labels',
    'labels.new': 'New label',
    'labels.add': 'Add',
    'labels.save': 'Save',
    'labels.of': 'Labels:',
    'labels.all': 'All labels',
    'labels.filter': 'Show chats with a label',
    'labels.shown': 'Label: {label}',
    'labels.end': 'Show chats with any label',
    'labels.empty': 'No chat here has the label “{label}”.',
    'labels.count': '{label} ({count})',
    'labels.manage': 'Rename or remove labels',
    'labels.rename': 'Rename',
    'labels.rename_field': 'New name of “{label}”',
    'labels.rename_named': 'Rename “{label}”',
    'labels.renamed': '“{label}” is now “{to}” in {count} chats.',
    'labels.remove_named': 'Remove “{label}”',
    'labels.remove_title': 'Remove the label “{label}”?',
    'labels.remove_text': 'The chats that have it stay, without it.',
    'labels.remove': 'Remove',
    'labels.removed': '“{label}” is removed.',
    'labels.none': 'You have no labels yet.',
    'labels.full': 'A chat has at most {limit} labels. Take one off first.',
  },
  ja: {
    'labels.menu': 'ラベル',
    'labels.title': 'このチャットのラベル',
    'labels.add_title': 'ラベルを追加',
    'labels.known': 'ラベル一覧',
    'labels.new': '新しいラベル',
    'labels.add': '追加',
    'labels.save': '保存',
    'labels.of': 'ラベル:',
    'labels.all': 'すべてのラベル',
    'labels.filter': 'ラベルでチャットを絞り込む',
    'labels.shown': 'ラベル: {label}',
    'labels.end': '絞り込みを解除',
    'labels.empty': 'ラベル「{label}」の付いたチャットはここにありません。',
    'labels.count': '{label}（{count}）',
    'labels.manage': 'ラベルの名前変更・削除',
    'labels.rename': '変更',
    'labels.rename_field': '「{label}」の新しい名前',
    'labels.rename_named': '「{label}」の名前を変更',
    'labels.renamed': '「{label}」を「{to}」に変更しました（{count} 件のチャット）。',
    'labels.remove_named': '「{label}」を削除',
    'labels.remove_title': 'ラベル「{label}」を削除しますか？',
    'labels.remove_text': 'チャットは削除されません。ラベルだけが外れます。',
    'labels.remove': '削除',
    'labels.removed': '「{label}」を削除しました。',
    'labels.none': 'ラベルはまだありません。',
    'labels.full': '1 つのチャットに付けられるラベルは {limit} 個までです。先にどれかを外してください。',
  },
});

/** All of one's own, by name. @returns {Promise<{label: string, conversations: number}[]>} */
export async function ownLabels() {
  return (await api.get('api/labels')).labels;
}

/** A failed change of labels, in words. @param {Error} error @returns {string} */
export function describeLabelError(error) {
  return error.code === 'limit_reached' ? full() : describeError(error);
}

function full() {
  return t('labels.full', { limit: LABELS_LIMIT });
}

/**
 * Asks which labels.
 * @param {{title: string, chosen: string[], onSave?: function(string[]): Promise<void>}} options the dialog stays open when onSave rejects; onSave gets
 *   all that are chosen then
 * @returns {Promise<string[]|null>} null when it was closed
 */
export async function askLabels({ title, chosen, onSave }) {
  const known = (await ownLabels()).map(({ label }) => label);
  return new Promise((resolve) => {
    let saved = null;
    const list = el('ul', { class: 'label-choices', aria: { label: t('labels.known') } });
    const offer = (label, checked) => {
      const box = [...list.querySelectorAll('input')].find((one) => one.value === label);
      if (box) {
        box.checked ||= checked;
      } else {
        list.append(el('li', null, el('label', { class: 'check' }, el('input', { type: 'checkbox', value: label, checked }), el('bdi', null, label))));
      }
    };
    [...new Set([...known, ...chosen])].forEach((label) => offer(label, chosen.includes(label)));
    const field = el('input', { class: 'input', id: 'label-new', maxlength: String(LABEL_LIMIT), dir: 'auto', autocomplete: 'off' });
    const problem = el('p', { class: 'notice notice-error', role: 'alert', hidden: true });
    const take = () => {
      labelsOf([field.value]).forEach((label) => offer(label, true));
      field.value = '';
      list.lastElementChild?.scrollIntoView({ block: 'nearest' });
    };
    const form = el('form', { class: 'label-form' },
      list,
      el('div', { class: 'field' }, el('label', { for: 'label-new' }, t('labels.new')),
        el('div', { class: 'label-new' }, field, el('button', { class: 'button', type: 'button', dataset: { add: '' }, onclick: () => { take(); field.focus(); } }, t('labels.add')))),
      problem,
      el('div', { class: 'dialog-actions' }, el('button', { class: 'button button-primary', type: 'submit' }, t('labels.save'))));
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && field.value.trim() !== '') {
        event.preventDefault();
        if (!event.isComposing && event.keyCode !== 229) {
          take();
        }
      }
    });
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      take();
      const labels = [...list.querySelectorAll('input:checked')].map((box) => box.value);
      try {
        if (labels.length <= LABELS_LIMIT) {
          await onSave?.(labels);
          saved = labels;
          dialog.close('');
          return;
        }
        problem.textContent = full();
      } catch (error) {
        problem.textContent = describeLabelError(error);
      }
      problem.hidden = false;
    });
    const dialog = openDialog({ title, content: form, class: 'dialog-small', onClose: () => resolve(saved) });
    (list.querySelector('input') ?? field).focus();
  });
}

/** All labels, to rename or remove them. @param {function(): void} onChanged */
export async function manageLabels(onChanged) {
  const list = el('ul', { class: 'own-sessions label-list' });
  const none = el('p', { class: 'own-note' }, t('labels.none'));
  const draw = async () => {
    const labels = await ownLabels();
    none.hidden = labels.length > 0;
    replaceChildren(list, labels.map(({ label }) => row(label, change)));
  };
  const change = async (label, to) => {
    try {
      const { conversations } = await api.patch('api/labels', { label, to });
      const words = { label: isolate(label), to: isolate(to ?? ''), count: formatNumber(conversations) };
      toast({ text: t(to === null ? 'labels.removed' : 'labels.renamed', words), kind: 'success' });
      await draw();
      (list.querySelector('input') ?? dialog.querySelector('button')).focus();
    } catch (error) {
      toast({ text: describeLabelError(error), kind: 'error' });
    }
    onChanged();
  };
  await draw();
  const dialog = openDialog({ title: t('labels.manage'), content: [none, list], class: 'own-account' });
}

function row(label, change) {
  const named = { label: isolate(label) };
  const field = el('input', { class: 'input', value: label, maxlength: String(LABEL_LIMIT), dir: 'auto', aria: { label: t('labels.rename_field', named) } });
  const rename = el('button', { class: 'button button-small', type: 'submit', disabled: true, aria: { label: t('labels.rename_named', named) } }, t('labels.rename'));
  const remove = el('button', { class: 'icon-button', type: 'button', title: t('labels.remove_named', named), aria: { label: t('labels.remove_named', named) } }, icon('trash'));
  const next = () => labelsOf([field.value])[0];
  const form = el('form', { class: 'label-new' }, field, rename, remove);
  field.addEventListener('input', () => {
    rename.disabled = !next() || next() === label;
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!rename.disabled) {
      change(label, next());
    }
  });
  remove.addEventListener('click', async () => {
    if (await confirmDialog({ title: t('labels.remove_title', named), body: t('labels.remove_text'), confirmLabel: t('labels.remove'), danger: true })) {
      await change(label, null);
    }
  });
  return el('li', null, form);
}
