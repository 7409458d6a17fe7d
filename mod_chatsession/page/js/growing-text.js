/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Shows a text that is still being written. Finished Markdown blocks are rendered once and never touched again; only the last, unfinished block is
 * drawn anew, at most once a frame and never for more than a small share of the time. An open code block and an overlong block only grow, by text
 * nodes. So a long answer costs as much per token at its end as at its beginning.
 */

import { el } from '../shared/dom.js';
import { codeBlock, markdownBlocks, renderMarkdown } from '../shared/markdown.js';

const TAIL_LIMIT = 6000;
const COST_SHARE = 8;
const LINES_PER_CHUNK = 40;
const OPEN_FENCE = /^(`{3,}|~{3,})([^\n]*)\n/;
const REFERENCE = /^ {0,3}\[[^\]\n]+\]:/m;

/** A growing text inside an element of class `markdown`. */
export class GrowingText {
  #box;
  #tail = el('div', { class: 'growing-tail' });
  #text = '';
  #open = '';
  #pending = '';
  #frame = null;
  #nextDraw = 0;
  #fence = null;
  #exact = true;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
    box.replaceChildren(this.#tail);
  }

  /** All of the text so far. */
  get text() {
    return this.#text;
  }

  /** Takes the next piece; it is drawn with the next frame. @param {string} piece */
  append(piece) {
    this.#text += piece;
    this.#pending += piece;
    this.#frame ??= requestAnimationFrame(() => this.#flush());
  }

  /** Draws everything in its final form. */
  finish() {
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
    if (!this.#exact || REFERENCE.test(this.#text)) {
      this.#box.replaceChildren(renderMarkdown(this.#text));
      return;
    }
    this.#take(true);
    if (this.#fence === null) {
      this.#tail.replaceWith(renderMarkdown(this.#open));
    } else {
      this.#fence.close();
      this.#tail.remove();
    }
  }

  #flush() {
    this.#frame = null;
    const now = performance.now();
    if (now < this.#nextDraw) {
      this.#frame = requestAnimationFrame(() => this.#flush());
      return;
    }
    this.#take();
    if (this.#fence === null) {
      this.#draw();
    }
    this.#nextDraw = this.#afterLayout() + (performance.now() - now) * COST_SHARE;
  }

  /* The layout comes now instead of at the end of the frame, so that its cost counts too. */
  #afterLayout() {
    return this.#box.offsetHeight >= 0 ? performance.now() : 0;
  }

  /** Moves what has arrived into the open block, and out of it what is finished by it. */
  #take(all = false) {
    const held = !all && this.#pending.endsWith('\r') ? '\r' : '';
    let piece = this.#pending.slice(0, this.#pending.length - held.length).replace(/\r\n?/g, '\n');
    this.#pending = held;
    while (piece !== '') {
      if (this.#fence !== null) {
        piece = this.#growFence(piece);
        continue;
      }
      this.#open += piece;
      piece = piece.includes('\n') ? this.#settle() : '';
    }
  }

  /** Renders the finished blocks of the open text. @returns {string} what follows the opening line of an open code block, else '' */
  #settle() {
    const whole = this.#open.slice(0, this.#open.lastIndexOf('\n') + 1);
    const blocks = markdownBlocks(whole);
    if (blocks.map((block) => block.raw).join('') !== whole) {
      return '';
    }
    let last = blocks.length - 1;
    while (last >= 0 && blocks[last].type === 'space') {
      last -= 1;
    }
    const finished = blocks.slice(0, Math.max(last, 0)).reduce((length, block) => length + block.raw.length, 0);
    this.#render(finished);
    const fence = last >= 0 && blocks[last].type === 'code' ? OPEN_FENCE.exec(this.#open) : null;
    if (fence !== null) {
      return this.#openFence(fence);
    }
    if (last >= 0 && blocks[last].type === 'list' && this.#open.length > TAIL_LIMIT) {
      this.#splitList();
    }
    return '';
  }

  #render(length) {
    if (length > 0) {
      this.#tail.before(renderMarkdown(this.#open.slice(0, length)));
      this.#open = this.#open.slice(length);
      this.#tail.replaceChildren();
    }
  }

  /* An overlong list is rendered in parts; the whole is put together once at the end. */
  #splitList() {
    const marker = /^(?:[-*+]|\d{1,9}[.)]) /;
    const at = this.#open.lastIndexOf('\n', this.#open.length - 2) + 1;
    if (marker.test(this.#open.slice(at))) {
      this.#exact = false;
      this.#render(at);
    }
  }

  #openFence(match) {
    const rest = this.#open.slice(match[0].length);
    this.#open = '';
    this.#fence = new OpenFence(match[1], match[2].trim().split(/\s/)[0]);
    this.#tail.replaceChildren();
    this.#tail.before(this.#fence.box);
    return rest;
  }

  #growFence(piece) {
    const rest = this.#fence.push(piece);
    if (rest === null) {
      return '';
    }
    this.#fence = null;
    return rest;
  }

  #draw() {
    if (this.#open.length > TAIL_LIMIT) {
      this.#exact = false;
      this.#drawPlain();
    } else {
      this.#tail.replaceChildren(renderMarkdown(presentable(this.#open)));
    }
  }

  #drawPlain() {
    let plain = this.#tail.querySelector(':scope > .plain-text');
    if (plain === null) {
      plain = el('p', { class: 'plain-text' });
      this.#tail.replaceChildren(plain);
    }
    const shown = Number(plain.dataset.shown ?? 0);
    plain.append(el('span', null, this.#open.slice(shown)));
    plain.dataset.shown = String(this.#open.length);
  }
}

/** A fenced code block that is not closed yet; it grows line by line, in pieces that the browser need not lay out again. */
class OpenFence {
  #close;
  #code = el('code');
  #chunk = null;
  #lines = 0;
  #line = '';
  #partial = document.createTextNode('');

  constructor(fence, languageName) {
    const mark = fence[0] === '`' ? '`' : '~';
    this.#close = new RegExp(`^ {0,3}${mark}{${fence.length},}[ \\t]*$`);
    this.box = codeBlock(/^[\w+#.-]{1,40}$/.test(languageName) ? languageName : '');
    this.box.append(el('pre', { tabindex: '0' }, this.#code));
    this.#code.append(this.#partial);
  }

  /** @returns {string|null} null while the block is open, else what follows it */
  push(piece) {
    const lines = (this.#line + piece).split('\n');
    this.#line = lines.pop();
    for (let i = 0; i < lines.length; i += 1) {
      if (this.#close.test(lines[i])) {
        this.#partial.data = '';
        const rest = lines.slice(i + 1).concat(this.#line).join('\n');
        return rest;
      }
      this.#add(`${lines[i]}\n`);
    }
    this.#partial.data = /^ {0,3}[`~]+[ \t]*$/.test(this.#line) ? '' : this.#line;
    return null;
  }

  /** The text ends here: a last line that closes the block is no code. */
  close() {
    this.#partial.data = this.#close.test(this.#line) ? '' : this.#line;
  }

  #add(line) {
    if (this.#chunk === null || this.#lines >= LINES_PER_CHUNK) {
      this.#chunk = document.createTextNode('');
      this.#lines = 0;
      this.#partial.before(el('span', { class: 'code-chunk' }, this.#chunk));
    }
    this.#chunk.appendData(line);
    this.#lines += 1;
  }
}

/*
 * The unfinished block without what would flicker: a last line that is only a list, heading or table mark, half a link; and with the bold or code
 * that is open at its end closed.
 */
function presentable(text) {
  let shown = text.replace(/(^|\n)[ \t]*(?:[-=*+#>`~|]+|\d{1,9}[.)]?)[ \t]*$/, '$1');
  if (/^\|[^\n]*\n?[ |:-]*$/.test(shown)) {
    return '';
  }
  shown = shown.replace(/!?\[([^\]\n]*)\]\([^)\n]*$/, '$1');
  const line = shown.slice(shown.lastIndexOf('\n') + 1);
  if ((line.match(/`/g)?.length ?? 0) % 2 === 1) {
    return `${shown}\``;
  }
  if ((line.match(/\*\*/g)?.length ?? 0) % 2 === 1) {
    return /\*\*$/.test(shown) ? shown.slice(0, -2) : `${shown.trimEnd()}**`;
  }
  return shown;
}
