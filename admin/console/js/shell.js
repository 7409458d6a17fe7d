/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The frame around the screens: navigation, the operator's menu, and one screen at a time, each with a signal that is aborted when it is left. */

import { $, el, replaceChildren } from '../shared/dom.js';
import { onLanguageChange, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { showSecondFactor } from '../shared/second-factor.js';
import { languageSwitch, themeSwitch, zoneSwitch } from '../shared/theme.js';
import { showAudit } from './audit.js';
import { showConversations } from './conversations.js';
import { logOut, roleName } from './entrance.js';
import { showFeedback } from './feedback.js';
import { showHolds } from './holds.js';
import { showHome } from './home.js';
import { showJobs } from './jobs.js';
import { emptyBox } from './loading.js';
import { forget } from './memory.js';
import { may } from './roles.js';
import { showRetention } from './retention.js';
import { currentRoute, hrefFor, startRouter } from './router.js';
import { showSettings } from './settings.js';
import { showSessions } from './sessions.js';
import { showTranscript } from './transcript.js';
import { userText } from './user_text.js';
import { showUsers } from './users.js';

/* One row per screen: what draws it, the capability it needs, the screen it stands under in the navigation. */
const SCREENS = {
  home: { show: showHome, needs: 'enter' },
  conversations: { show: showConversations, needs: 'enter' },
  transcript: { show: showTranscript, needs: 'enter', under: 'conversations' },
  feedback: { show: showFeedback, needs: 'readContent' },
  holds: { show: showHolds, needs: 'readMatters' },
  retention: { show: showRetention, needs: 'enter' },
  jobs: { show: showJobs, needs: 'enter' },
  users: { show: showUsers, needs: 'enter' },
  sessions: { show: showSessions, needs: 'sessions' },
  audit: { show: showAudit, needs: 'readAudit' },
  settings: { show: showSettings, needs: 'readSettings' },
};

let shown = null;
let left = null;
let listening = false;

/**
 * Draws the frame and the screen the address bar names.
 * @param {HTMLElement} root
 * @param {{name: string, role: string}} user
 * @param {function(): void} onLeave called after a log-out
 */
export function showShell(root, user, onLeave) {
  shown = { root, user, onLeave };
  drawFrame();
  showScreen(currentRoute(), { focus: false });
  if (!listening) {
    listening = true;
    startRouter((route) => shown && showScreen(route, { focus: true }));
    onLanguageChange(() => shown && redraw());
    document.addEventListener('keydown', focusSearch);
  }
}

/** Ends the screen that is shown: what it was waiting for is given up. */
export function leaveScreen() {
  left?.abort();
  shown = null;
}

function redraw() {
  const focused = document.activeElement?.matches?.('.account-panel select')
    ? [...$('.account-panel', shown.root).querySelectorAll('select')].indexOf(document.activeElement)
    : -1;
  drawFrame();
  showScreen(currentRoute(true), { focus: false });
  if (focused >= 0) {
    $('.account', shown.root).open = true;
    $('.account-panel', shown.root).querySelectorAll('select')[focused].focus();
  }
}

function drawFrame() {
  const { root } = shown;
  replaceChildren(
    root,
    el('a', { class: 'skip-link', href: '#screen' }, t('console.skip')),
    el(
      'div',
      { class: 'topbar' },
      el('a', { class: 'brand', href: hrefFor('home') }, el('span', { class: 'brand-mark', aria: { hidden: true } }), t('console.title')),
      navigation(),
      userMenu(),
    ),
    el('main', { id: 'screen', tabindex: '-1' }),
  );
}

function navigation() {
  const views = Object.entries(SCREENS).filter(([, screen]) => !screen.under && may(shown.user.role, screen.needs));
  return el(
    'nav',
    { class: 'nav', aria: { label: t('console.nav') } },
    el(
      'ul',
      null,
      views.map(([view]) => el('li', null, el('a', { href: hrefFor(view), dataset: { view } }, t(`nav.${view}`)))),
    ),
  );
}

function userMenu() {
  const { user, onLeave } = shown;
  const menu = el(
    'details',
    { class: 'account' },
    el(
      'summary',
      null,
      icon('user'),
      el('span', { class: 'visually-hidden' }, `${t('console.account')}: `),
      userText(user.name, { class: 'account-name' }),
      el('span', { class: 'badge' }, roleName(user.role)),
    ),
    el(
      'div',
      { class: 'account-panel' },
      el('p', { class: 'muted' }, `${roleName(user.role)}: ${t(`role.${user.role}.may`)}`),
      themeSwitch(),
      languageSwitch(),
      zoneSwitch(forget),
      el('button', { class: 'button', type: 'button', dataset: { factor: '' }, onclick: () => showSecondFactor(user.name) }, icon('user'), t('factor.title')),
      el('button', { class: 'button', type: 'button', onclick: () => logOut(onLeave) }, icon('logout'), t('console.logout')),
    ),
  );
  menu.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && menu.open) {
      menu.open = false;
      $('summary', menu).focus();
    }
  });
  menu.addEventListener('focusout', (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) {
      menu.open = false;
    }
  });
  return menu;
}

function showScreen(route, { focus }) {
  left?.abort();
  left = new AbortController();
  const host = $('#screen', shown.root);
  const screen = SCREENS[route.view];
  const { user } = shown;
  markCurrent(screen.under ?? route.view);
  document.title = `${t(`nav.${route.view}`)} · ${t('console.title')}`;
  if (may(user.role, screen.needs)) {
    screen.show(host, { params: route.params, restored: route.restored, user, role: user.role, signal: left.signal });
  } else {
    replaceChildren(
      host,
      emptyBox(
        t('denied.screen', { role: roleName(user.role) }),
        '',
        el('a', { class: 'button', href: hrefFor('home') }, t('denied.screen.home')),
      ),
    );
  }
  if (focus) {
    ($('#screen-title', host) ?? host).focus({ preventScroll: true });
    if (!route.restored) {
      scrollTo(0, 0);
    }
  }
}

function markCurrent(view) {
  for (const link of shown.root.querySelectorAll('.nav a')) {
    if (link.dataset.view === view) {
      link.setAttribute('aria-current', 'page');
      link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    } else {
      link.removeAttribute('aria-current');
    }
  }
}

/* "/" goes to the screen's search field, as in other consoles, unless something is being typed. */
function focusSearch(event) {
  const typing = event.target.closest?.('input, textarea, select, [contenteditable], dialog');
  if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const field = document.querySelector('#screen [data-search]');
  if (field) {
    event.preventDefault();
    field.focus();
    field.select?.();
  }
}
