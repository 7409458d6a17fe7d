/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The password again, before something that exposes or destroys much, when the last login is too old for it. */

import { el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { getSession, logIn } from './endpoints.js';
import { askByForm, labelled } from './form_dialog.js';

/* The server's clock and the way there. */
const MARGIN_MS = 10000;

/**
 * Calls go, at once or after the password was given; not at all when that is cancelled.
 * @param {function(): void} go
 */
export async function whenFresh(go) {
  const session = await getSession();
  if (!session.authenticated || !session.fresh_until || Date.parse(session.fresh_until) - MARGIN_MS > Date.now()) {
    go();
    return;
  }
  askForPassword(session, go);
}

/**
 * A call that may have to be made anew, because the login grew too old meanwhile.
 * @param {function(): Promise<*>} call
 * @returns {Promise<*>} what it gives; rejects with the refusal when no password is given
 */
export async function callFreshly(call) {
  try {
    return await call();
  } catch (error) {
    if (error.code !== 'reauthenticate') throw error;
    const session = await getSession();
    await new Promise((resolve, reject) => askForPassword(session, resolve, () => reject(error)));
    return call();
  }
}

/* onClose comes after onDone, too. */
function askForPassword(session, onDone, onClose) {
  const password = el('input', { class: 'input', id: 'again-password', type: 'password', autocomplete: 'current-password' });
  askByForm({
    title: t('again.title'),
    fields: [el('p', null, t('again.detail')), labelled(t('again.password', { name: session.user.name }), password)],
    submitLabel: t('again.do'),
    check: () => (password.value ? '' : t('again.needed')),
    send: () => logIn(session.user.name, password.value),
    onDone,
    onClose,
  });
}

/**
 * A click on a download that waits for a fresh login.
 * @param {MouseEvent} event
 * @param {function(): void} [started]
 */
export function downloadWhenFresh(event, started = () => {}) {
  const link = event.currentTarget;
  event.preventDefault();
  whenFresh(() => {
    started();
    const copy = el('a', { href: link.getAttribute('href'), download: '' });
    document.body.append(copy);
    copy.click();
    copy.remove();
  });
}
