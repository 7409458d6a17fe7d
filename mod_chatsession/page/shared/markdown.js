/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Markdown to elements: the one place of the pages where a string becomes markup. marked writes HTML, DOMPurify takes it apart after
 * that (the order matters) with a short list of allowed elements, and what comes back are nodes, never a string to be parsed again. Raw HTML in
 * the text is shown as text. Nothing in the result loads anything: an image is shown as its alternative text and a link.
 */

import { Lexer, Parser, Renderer } from '../vendor/marked.esm.js';
import DOMPurify from '../vendor/purify.es.js';
import { BoundedTokenizer } from './bounded-tokenizer.js';
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
const LINE_BREAK = /^<br\s*\/?>$/i;
const SAFE_LINK = /^(?:https?:\/\/|mailto:)/i;
/* Before a code fence: spaces and the marks of the list items and quotations that it stands in. */
const FENCE = /^((?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t])))*[ \t]*)(`{3,}(?=[^`]*$)|~{3,})/;
/* Stands for a tab while marked is at work; no text means this code point, as Unicode keeps it from all use. */
const TAB_MARK = '\uFDD0';
const TAB_SIZE = 4;
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

/** What a token of marked becomes. */
class SafeRenderer extends Renderer {
  html({ text, block, pair, tokens }) {
    if (pair) {
      return `<${pair}>${this.parser.parseInline(tokens)}</${pair}>`;
    }
    const shown = LINE_BREAK.test(text.trim()) ? '<br>' : escapeHtml(text.trimEnd()).replace(/\n/g, '<br>');
    return block ? `<p>${shown}</p>\n` : shown;
  }

  heading({ tokens, depth }) {
    const level = Math.min(depth + 2, 6);
    return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
  }

  checkbox({ checked }) {
    return checked ? '☑ ' : '☐ ';
  }

  image({ href, title, tokens }) {
    const alt = this.parser.parseInline(tokens, this.parser.textRenderer) || title || href;
    const label = { type: 'text', text: t('image.label', { alt }) };
    return SAFE_LINK.test(href) ? this.link({ href, tokens: [label] }) : this.text(label);
  }
}

/**
 * Renders Markdown. Never throws: what cannot be rendered comes back as plain text.
 * @param {string} text
 * @returns {DocumentFragment}
 */
export function renderMarkdown(text) {
  if (text.length > MAX_MARKDOWN_LENGTH) {
    return plainText(text);
  }
  try {
    const fragment = DOMPurify.sanitize(toHtml(text), SANITIZER);
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
 * @param {string} text with lines that end in \n
 * @returns {{type: string, raw: string}[]} in order; their raw texts joined are the text
 */
export function markdownBlocks(text) {
  return new Lexer(optionsFor(text)).blockTokens(text).map(({ type, raw }) => ({ type, raw }));
}

function toHtml(text) {
  const options = optionsFor(text);
  const guarded = guardTabs(text);
  const html = Parser.parse(Lexer.lex(guarded, options), options);
  return guarded === text ? html : html.replaceAll(TAB_MARK, '\t');
}

function optionsFor(text) {
  return { gfm: true, breaks: true, renderer: new SafeRenderer(), tokenizer: new BoundedTokenizer(text.length) };
}

/*
 * text with the tabs of code in list items replaced by a mark: marked turns them into spaces, which breaks what is copied from there (a makefile).
 * Tabs that only reach the place of the fence stay, as they are the item's indentation.
 */
function guardTabs(text) {
  if (!text.includes('\t')) {
    return text;
  }
  let fence = null;
  return text.split('\n').map((line) => {
    const [, before, mark] = FENCE.exec(line) ?? [];
    if (fence === null) {
      fence = mark ? { mark, column: indentation(before, Infinity, /./).column } : null;
      return line;
    }
    const { length, column } = indentation(line, fence.column, /[ \t>]/);
    const code = line.slice(length);
    const closed = mark?.startsWith(fence.mark) && code.trim() === mark;
    if (closed || (code.trim() !== '' && column < fence.column)) {
      fence = null;
      return line;
    }
    return fence.column === 0 ? line : line.slice(0, length) + code.replaceAll('\t', TAB_MARK);
  }).join('\n');
}

/* How many characters of line, all of this kind, lie before column `end`, and which column they reach. */
function indentation(line, end, kind) {
  let column = 0;
  let length = 0;
  while (column < end && length < line.length && kind.test(line[length])) {
    column += line[length] === '\t' ? TAB_SIZE - (column % TAB_SIZE) : 1;
    length += 1;
  }
  return { length, column };
}

function plainText(text) {
  const fragment = document.createDocumentFragment();
  fragment.append(el('p', { class: 'plain-text' }, text));
  return fragment;
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
