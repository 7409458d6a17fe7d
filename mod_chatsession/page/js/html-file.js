/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A conversation as one HTML file that needs nothing else: drawn as on the page, without scripts, light and dark, to be read or printed anywhere. */

import { el } from '../shared/dom.js';
import { language, t } from '../shared/i18n.js';
import { plainMessages, plainTime } from './plain-messages.js';

/* The file loads nothing and runs nothing, whatever is in it. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";
const SHEETS = ['shared/theme.css', 'shared/markdown.css'];
const OWN_SHEET = `
body { max-width: 50rem; margin: 0 auto; padding: 1.5rem; }
header { margin-bottom: 2rem; }
article { margin-bottom: 1.5rem; }
article > h2 { font-size: 0.9375rem; color: var(--text-muted); margin-bottom: 0.25rem; font-weight: 550; }
.said { white-space: pre-wrap; padding: 0.625rem 1rem; border-radius: 1rem; background: var(--ground-user); }
@media print { body { padding: 0; } .code-block pre { white-space: pre-wrap; } }
`;

/**
 * @param {Object} conversation with its messages, as GET api/conversations/{id} gives it
 * @returns {Promise<Blob>}
 */
export async function htmlFile(conversation) {
  const sheets = await Promise.all(SHEETS.map(async (path) => (await fetch(new URL(path, document.baseURI))).text()));
  const title = conversation.title || t('chat.untitled');
  const file = document.implementation.createHTMLDocument(title);
  file.documentElement.lang = language();
  file.head.prepend(el('meta', { charset: 'utf-8' }), el('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }), el('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }));
  file.body.append(
    el('header', null, el('h1', { dir: 'auto' }, title), el('p', null, plainTime(conversation.created_at))),
    el('main', null, plainMessages(conversation.messages)));
  file.body.querySelectorAll('button').forEach((button) => button.remove());
  /* As text: an element of style would be subject to this page's own policy. The first end of a head is the real one, for text is escaped. */
  const style = `<style>${sheets.join('\n')}${OWN_SHEET}</style></head>`;
  return new Blob(['<!DOCTYPE html>\n', file.documentElement.outerHTML.replace('</head>', () => style), '\n'], { type: 'text/html;charset=utf-8' });
}
