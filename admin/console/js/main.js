/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The console begins here: who is logged in decides between the log-in form, a refusal and the shell with its screens. */

import './words/common.js';
import './words/home.js';
import './words/conversations.js';
import './words/expire.js';
import './words/feedback.js';
import './words/transcript.js';
import './words/users.js';
import './words/sessions.js';
import './words/audit.js';
import './words/holds.js';
import './words/retention.js';
import './words/import.js';
import './words/settings.js';
import { api } from '../shared/api.js';
import { $, replaceChildren } from '../shared/dom.js';
import { enrolment } from '../shared/enrolment.js';
import { onLanguageChange, t, translate } from '../shared/i18n.js';
import { getSession } from './endpoints.js';
import { deniedPanel, enrolmentPanel, loginPanel } from './entrance.js';
import { errorBox } from './loading.js';
import { forget } from './memory.js';
import { may } from './roles.js';
import { leaveScreen, showShell } from './shell.js';

/* What is on the page now, so that a change of language can draw it again. */
let drawEntrance = null;

async function start() {
  leaveScreen();
  try {
    enter(await getSession());
  } catch (error) {
    showEntrance(() => errorBox(error, start));
  }
}

function enter(session) {
  if (!session.authenticated) {
    showLogin('');
  } else if (!may(session.user.role, 'enter')) {
    forget();
    showEntrance(() => deniedPanel(session.user, start));
  } else if (session.second_factor === 'needed') {
    forget();
    /* Once, so that another language does not begin it anew: the recovery codes are shown only now. */
    const steps = enrolment({ userName: session.user.name, lead: t('factor.needed'), onDone: start });
    showEntrance(() => enrolmentPanel(steps, start));
  } else {
    drawEntrance = null;
    showShell($('#app'), session.user, start);
  }
}

function showLogin(notice) {
  forget();
  showEntrance(() => loginPanel(notice && t(notice), enter));
}

function showEntrance(draw) {
  leaveScreen();
  drawEntrance = draw;
  document.title = t('console.title');
  for (const dialog of document.querySelectorAll('dialog[open]')) {
    /* What is shown only once stays above the login until it was put away. */
    if (!dialog.querySelector('.factor-codes, .password-shown')) {
      dialog.close('');
    }
  }
  replaceChildren($('#app'), draw());
  $('#app').querySelector('input:not([hidden]), button')?.focus();
}

translate();
onLanguageChange(() => drawEntrance && replaceChildren($('#app'), drawEntrance()));
api.onUnauthenticated(() => showLogin('console.sessionEnded'));
api.onSecondFactorNeeded(start);
/* A page that the browser kept for Back is older than a log-out since then. */
addEventListener('pageshow', (event) => event.persisted && start());
start();
