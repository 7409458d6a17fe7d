/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The session ends while the page is open: a dialog asks to log in again, everything behind it stays as it was. If somebody else logs in, the page
 * starts anew, so that nobody sees another person's text.
 */

import { api } from '../shared/api.js';
import { t } from '../shared/i18n.js';
import { loginForm } from '../shared/login.js';
import { openDialog } from '../shared/notify.js';
import { clearDrafts } from './drafts.js';

let asking = null;

/**
 * Asks to log in whenever a call is refused for want of a session.
 * @param {string} userName who was logged in
 */
export function watchSession(userName) {
  api.onUnauthenticated(() => signInAgain(userName));
}

/** Resolves when nobody needs to log in (again). @returns {Promise<void>} */
export function untilSignedIn() {
  return asking ?? Promise.resolve();
}

function signInAgain(userName) {
  asking ??= new Promise((resolve) => {
    ask(userName, () => {
      asking = null;
      resolve();
    });
  });
}

/* A browser may close a dialog on a second Escape whatever the page says; without a session it opens again. */
function ask(userName, onSignedIn) {
  let signedIn = false;
  const form = loginForm({
    notice: t('session.expired'),
    username: userName,
    onSuccess: (session) => {
      if (session.user?.name !== userName) {
        clearDrafts();
        location.replace('./');
        return;
      }
      signedIn = true;
      dialog.close('');
    },
  });
  const onClose = () => (signedIn ? onSignedIn() : ask(userName, onSignedIn));
  const dialog = openDialog({ title: t('session.expired_title'), content: form, class: 'dialog-small', closable: false, onClose });
  form.elements.password.focus();
}
