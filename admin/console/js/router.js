/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * The address bar is the state of the console: `?view=conversations&user=mika` is a list, `?conversation=<id>` a
 * transcript, an empty query is Home. Every link is a plain `<a href="?…">`, so it can be opened in another tab or
 * copied; a plain click is taken over here and costs no reload. Back and forward tell the screen that it is
 * `restored`, so that a list can show the rows it had.
 */

const VIEWS = ['home', 'conversations', 'feedback', 'holds', 'retention', 'jobs', 'users', 'sessions', 'audit', 'settings'];

let listener = null;
let shown = location.search;

/**
 * @typedef {object} Route
 * @property {string} view one of VIEWS or 'transcript'
 * @property {URLSearchParams} params the query without `view`
 * @property {boolean} restored true when reached by the browser's back or forward
 */

/**
 * The screen that the address bar names now.
 * @param {boolean} [restored] reached by back or forward
 * @returns {Route}
 */
export function currentRoute(restored = false) {
  const params = new URLSearchParams(location.search);
  const asked = params.get('view');
  params.delete('view');
  if (params.has('conversation')) return { view: 'transcript', params, restored };
  return { view: VIEWS.includes(asked) ? asked : 'home', params, restored };
}

/**
 * The address of a screen.
 * @param {string} view one of VIEWS
 * @param {Record<string, string>} [params] empty values are left out
 * @returns {string} a relative address that begins with '?'
 */
export function hrefFor(view, params = {}) {
  const query = new URLSearchParams();
  if (view !== 'home') query.set('view', view);
  for (const [name, value] of Object.entries(params)) if (value) query.set(name, value);
  return `?${query}`;
}

/**
 * The address of a conversation's transcript.
 * @param {string} id
 * @param {string} [message] to go to
 * @returns {string}
 */
export function hrefForConversation(id, message) {
  return `?${new URLSearchParams({ conversation: id })}${message ? `#m-${message}` : ''}`;
}

/**
 * Go to another screen.
 * @param {string} href as hrefFor gives it
 */
export function navigate(href) {
  const same = new URL(href, location.href).search === location.search;
  history[same ? 'replaceState' : 'pushState'](null, '', href);
  announce(false);
}

/**
 * Change the address without drawing the screen anew, for a choice the screen has already shown.
 * @param {string} href as hrefFor gives it
 */
export function rewrite(href) {
  history.replaceState(null, '', href);
  shown = location.search;
}

/**
 * Start listening; there is one listener, the shell.
 * @param {(route: Route) => void} onRoute called on every change of screen
 */
export function startRouter(onRoute) {
  listener = onRoute;
  addEventListener('popstate', () => {
    /* A change of #fragment alone also fires popstate and must not draw the screen anew. */
    if (location.search !== shown) announce(true);
  });
  document.addEventListener('click', takeOverPlainClick);
}

function announce(restored) {
  shown = location.search;
  listener?.(currentRoute(restored));
}

function takeOverPlainClick(event) {
  const link = event.target.closest?.('a[href^="?"]');
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || event.defaultPrevented || link.hasAttribute('download')) return;
  event.preventDefault();
  navigate(link.getAttribute('href'));
}
