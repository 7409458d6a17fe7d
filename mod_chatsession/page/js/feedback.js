/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Like and dislike: saved at once, a comment may follow. */

import { api } from '../shared/api.js';
import { el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { t } from '../shared/i18n.js';
import { openDialog, toast } from '../shared/notify.js';

const COMMENT_LIMIT = 2000;

/**
 * Rates an answer, or takes the rating back when it is the present one.
 * @param {Object} message the answer
 * @param {number} rating 1 or -1
 * @returns {Promise<Object|null|undefined>} the new feedback; undefined when it could not be saved
 */
export async function rateAnswer(message, rating) {
  const next = message.feedback?.rating === rating ? 0 : rating;
  const saved = await save(message.id, { rating: next });
  if (saved && next !== 0) {
    toast({ text: t('feedback.thanks'), action: { label: t('feedback.add'), onClick: () => askComment(message.id, next) } });
  }
  return saved && (saved.rating === 0 ? null : saved);
}

function askComment(messageId, rating) {
  const text = el('textarea', { class: 'input', id: 'feedback-comment', rows: '4', maxlength: String(COMMENT_LIMIT), dir: 'auto' });
  const form = el('form', { class: 'login-form' },
    el('div', { class: 'field' }, el('label', { for: 'feedback-comment' }, t('feedback.label')), text),
    el('div', { class: 'dialog-actions' }, el('button', { class: 'button button-primary', type: 'submit' }, t('feedback.send'))));
  const dialog = openDialog({ title: t('feedback.title'), content: form, class: 'dialog-small' });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const comment = text.value.trim();
    if (comment === '' || await save(messageId, { rating, comment })) {
      dialog.close('');
    }
  });
  text.focus();
}

async function save(messageId, body) {
  try {
    return await api.put(`api/messages/${messageId}/feedback`, body);
  } catch (error) {
    toast({ text: describeError(error), kind: 'error' });
    return undefined;
  }
}
