/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Markdown to elements: the one place of the pages where a string becomes markup. marked writes HTML, DOMPurify takes it apart after
 * that (the order matters) with a short list of allowed elements, and what comes back are nodes, never a string to be parsed again. Raw HTML in
 * the text is shown as text. Nothing in the result loads anything: an image is shown as its alternative text and a link.
 */

import { marked } from '../vendor/marked.esm.js';
import DOMPurify from '../vendor/purify.es.js';
import { copyText } from './clipboard.js';
import { $$, el } from './dom.js';
import { defineMessages, t } from './i18n.js';
import { icon } from './icons.js';

defineMessages({
  en: { 'code.copy': 'Copy code', 'code.copied': 'Copied', 'code.failed': 'Copying failed', 'image.label': 'Image: {alt}' },
  ja: { 'code.copy': 'コードをコピー', 'code.copied': 'コピーしました', 'code.failed': 'コピーできませんでした', 'image.label': '画像: {alt}' },
});

const MAX_MARKDOWN_LENGTH = 300000;
const COPIED_MS = 2000;
const MAX_UNCLOSED = 300;
const MAX_EMPHASES = 1000;
const HARMLESS_TAG = /^<\/?(?:br|sub|sup|kbd|mark|u|s|b|i|em|strong|del|ins)\s*\/?>$/i;
const SAFE_LINK = /^(?:https?:\/\/|mailto:)/i;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
/* Stands for a tab while marked is at work, which would turn tabs at a line's start into spaces, also in code that must stay as it is. */
const TAB_MARK = '\uE009';
const SANITIZER = {
  ALLOWED_TAGS: [
    'a', 'b', 'blockquote', 'br', 'code', 'del', 'em', 'h3', 'h4', 'h5', 'h6', 'hr', 'i', 'ins', 'kbd', 'li', 'mark', 'ol', 'p', 'pre', 's',
    'strong', 'sub', 'sup', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'u', 'ul', '#text',
  ],
  ALLOWED_ATTR: ['align', 'class', 'href', 'start', 'title'],
  ADD_URI_SAFE_ATTR: ['align', 'start'],
  ALLOWED_URI_REGEXP: SAFE_LINK,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  ALLOW_UNKNOWN_PROTOCOLS: false,
  RETURN_DOM_FRAGMENT: true,
};

/*
 * Debian 12's DOMPurify (2.4.1+dfsg+~2.4.0-2+deb12u1) tests the depth of a variable `shadowNode` in sanitize(), which exists only in another of its
 * functions: every call would throw. With a global of that name the misplaced test passes; the real depth tests below it stay in force.
 */
if (!('shadowNode' in globalThis)) {
  Object.defineProperty(globalThis, 'shadowNode', { value: Object.freeze({ __depth: 0 }) });
}

const OPTIONS = { gfm: true, breaks: true, headerIds: false, mangle: false, renderer: safeRenderer(), tokenizer: boundedTokenizer() };

/**
 * Renders Markdown. Never throws: what cannot be rendered comes back as plain text. (The line end added here lets marked see a code block whose
 * end is missing, as in an answer that was stopped.)
 * @param {string} text
 * @returns {DocumentFragment}
 */
export function renderMarkdown(text) {
  if (text.length > MAX_MARKDOWN_LENGTH) {
    return plainText(text);
  }
  try {
    const fragment = DOMPurify.sanitize(marked.parse(`${guardTabs(text)}\n`, OPTIONS), SANITIZER);
    finishLinks(fragment);
    finishTables(fragment);
    finishCode(fragment);
    return fragment;
  } catch (error) {
    console.error('Markdown could not be rendered, the text is shown as it is:', error);
    return plainText(text);
  }
}

/**
 * The top-level blocks of a text as marked sees them, for rendering a growing text block by block.
 * @param {string} text
 * @returns {{type: string, raw: string}[]} in order; their raw texts joined are the text
 */
export function markdownBlocks(text) {
  return marked.lexer(text, OPTIONS).map(({ type, raw }) => ({ type, raw }));
}

/**
 * text with the tabs inside fenced code replaced by a mark, which renderMarkdown turns back; doing it twice does no harm.
 * @param {string} text
 * @returns {string}
 */
export function guardTabs(text) {
  if (!text.includes('\t')) {
    return text;
  }
  let fence = null;
  return text.split('\n').map((line) => {
    const mark = FENCE.exec(line)?.[1] ?? null;
    if (fence === null) {
      fence = mark;
      return line;
    }
    if (mark !== null && mark[0] === fence[0] && mark.length >= fence.length && line.trim() === mark) {
      fence = null;
      return line;
    }
    return line.replaceAll('\t', TAB_MARK);
  }).join('\n');
}

/** The text that guardTabs was given. @param {string} text @returns {string} */
export function restoreTabs(text) {
  return text.replaceAll(TAB_MARK, '\t');
}

function plainText(text) {
  const fragment = document.createDocumentFragment();
  fragment.append(el('p', { class: 'plain-text' }, restoreTabs(text)));
  return fragment;
}

function safeRenderer() {
  const renderer = new marked.Renderer();
  renderer.html = (html) => (HARMLESS_TAG.test(html.trim()) ? html : escapeHtml(html.trimEnd()).replace(/\n/g, '<br>'));
  renderer.heading = (text, level) => `<h${Math.min(level + 2, 6)}>${text}</h${Math.min(level + 2, 6)}>\n`;
  renderer.checkbox = (checked) => (checked ? '☑ ' : '☐ ');
  renderer.image = (href, title, alt) => {
    const label = escapeHtml(t('image.label', { alt: unescapeEntities(alt || title || href || '') }));
    return SAFE_LINK.test(href ?? '') ? `<a href="${escapeHtml(href)}">${label}</a>` : label;
  };
  return renderer;
}

/*
 * For each emphasis mark marked looks for its end through the rest of the text: thousands that are never closed would hold the page for
 * minutes. After some hundred of them in one paragraph, or a thousand marks in all, the others are taken as plain characters.
 */
function boundedTokenizer() {
  const tokenizer = new marked.Tokenizer();
  const emphasis = tokenizer.emStrong;
  let text = '';
  let unclosed = 0;
  let tried = 0;
  tokenizer.emStrong = function emStrong(source, masked, previous) {
    if (masked !== text) {
      text = masked;
      unclosed = 0;
      tried = 0;
    }
    if (unclosed >= MAX_UNCLOSED || tried >= MAX_EMPHASES || (source[0] !== '*' && source[0] !== '_')) {
      return undefined;
    }
    tried += 1;
    const token = emphasis.call(this, source, masked, previous);
    unclosed += token ? 0 : 1;
    return token;
  };
  return tokenizer;
}

function finishLinks(fragment) {
  for (const link of $$('a', fragment)) {
    if (link.hasAttribute('href') && SAFE_LINK.test(link.getAttribute('href'))) {
      link.setAttribute('rel', 'noopener noreferrer');
      link.setAttribute('target', '_blank');
    } else {
      link.replaceWith(...link.childNodes);
    }
  }
}

/* A wide table scrolls in its own box, reachable by keyboard, instead of widening the page. */
function finishTables(fragment) {
  for (const table of $$('table', fragment)) {
    const box = el('div', { class: 'table-scroll', tabindex: '0', role: 'region', aria: { label: table.querySelector('th')?.textContent || 'table' } });
    table.replaceWith(box);
    box.append(table);
  }
}

function finishCode(fragment) {
  for (const pre of $$('pre', fragment)) {
    const code = pre.querySelector('code');
    if (code?.textContent.includes(TAB_MARK)) {
      code.textContent = restoreTabs(code.textContent);
    }
    const name = /(?:^|\s)language-([\w+#.-]{1,40})/.exec(code?.className ?? '')?.[1] ?? '';
    const box = codeBlock(name);
    pre.replaceWith(box);
    pre.tabIndex = 0;
    box.append(pre);
  }
  for (const node of $$('[class]', fragment)) {
    if (!node.closest('.code-head') && !node.matches('.code-block, .table-scroll')) {
      node.removeAttribute('class');
    }
  }
}

/**
 * The frame of a code block: its language and a copy button; the caller appends the <pre>.
 * @param {string} languageName may be ''
 * @returns {HTMLElement}
 */
export function codeBlock(languageName) {
  const label = el('span', null, t('code.copy'));
  const button = el('button', { class: 'button button-quiet button-small code-copy', type: 'button' }, icon('copy'), label);
  const box = el('div', { class: 'code-block' }, el('div', { class: 'code-head' }, el('span', { class: 'code-language' }, languageName), button));
  button.addEventListener('click', async () => {
    const copied = await copyText(box.querySelector('pre')?.textContent ?? '');
    label.textContent = t(copied ? 'code.copied' : 'code.failed');
    setTimeout(() => {
      label.textContent = t('code.copy');
    }, COPIED_MS);
  });
  return box;
}

function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/* marked hands attribute texts over escaped; they are escaped again when written. */
function unescapeEntities(text) {
  const names = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => names[name]);
}
