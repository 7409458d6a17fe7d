/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * marked's tokenizer with bounds. A few kilobytes can be made so that marked works on them for minutes, and they need no ill will: a model that
 * repeats itself is enough. Where a bound is reached the marks stay plain characters. What a person or a model writes to be read stays far
 * below all of them. It also takes raw HTML as text, except for a few harmless tags.
 */

import { Tokenizer } from '../vendor/marked.esm.js';

/* marked looks for the end of each emphasis through the rest of the paragraph; this many characters of such looking are allowed. */
const LOOKING = 2000000;
const LOOKING_PER_CHARACTER = 20;
const MAX_DEPTH = 40;
const TABLE_SLACK = 1000;
/* No mail address and no word is longer. */
const WORD = 500;
const LONG_WORD = /^[\w.!#$%&'*+/=?`{|}~-]{500}/;
const ADDRESS = /^(?:https?:\/\/|ftp:\/\/|www\.)/i;
const MIGHT_OPEN = /^(?:\*+[^\s*]|_+[^\s_]|~{1,2}[^\s~])/;
const WORD_BEFORE = /[\p{L}\p{N}]$/u;
const TABLE_START = /^[^\n]*\n[ \t|:-]+(?:\n|$)/;
/* A tag without its end would go on through all that follows; so only whole pairs count. */
const HARMLESS_PAIR = /^<(b|del|em|i|ins|kbd|mark|s|strong|sub|sup|u)>((?:(?!<\1>)[^]){0,1000}?)<\/\1>/i;

/** For one text, then thrown away: it counts. */
export class BoundedTokenizer extends Tokenizer {
  #left;
  #depth = 0;

  /** @param {number} length the text's */
  constructor(length) {
    super();
    this.#left = LOOKING + LOOKING_PER_CHARACTER * length;
  }

  emStrong(source, masked, previous) {
    return this.#look(source, previous, () => super.emStrong(source, masked, previous));
  }

  del(source, masked, previous) {
    return this.#look(source, previous, () => super.del(source, masked, previous));
  }

  /* In text without spaces the end of an address is looked for, again and again, through all the rest. */
  link(source) {
    const may = (source[0] !== '[' && source[0] !== '!') || this.#mayReadOn(source);
    return may ? super.link(source) : undefined;
  }

  url(source) {
    if (ADDRESS.test(source)) {
      return this.#mayReadOn(source) ? super.url(source) : undefined;
    }
    return super.url(withoutLongWord(source));
  }

  /* At each character of a word marked looks through the rest of it for the @ of a mail address. */
  inlineText(source) {
    return super.inlineText(withoutLongWord(source));
  }

  /* Each level reads all of what is inside it. */
  list(source) {
    return this.#nested(() => super.list(source));
  }

  blockquote(source) {
    return this.#nested(() => super.blockquote(source));
  }

  /* A row without cells is filled up to the width of the head, so that a text can ask for many more cells than it has characters. */
  table(source) {
    const head = source.slice(0, source.indexOf('\n'));
    if (!head.includes('|') || !TABLE_START.test(source)) {
      return super.table(source);
    }
    if (this.#left <= 0) {
      return undefined;
    }
    const end = source.indexOf('\n\n');
    const block = end < 0 ? source : source.slice(0, end);
    this.#left -= block.length;
    return head.split('|').length * block.split('\n').length > block.length + TABLE_SLACK ? undefined : super.table(source);
  }

  /* What follows a tag that is shown as text is ordinary text, also after <a> or <pre>. */
  tag(source) {
    const pair = HARMLESS_PAIR.exec(source);
    if (pair !== null) {
      const [raw, name, inner] = pair;
      return { type: 'html', block: false, raw, text: raw, pair: name.toLowerCase(), tokens: this.lexer.inlineTokens(inner) };
    }
    const { inLink, inRawBlock } = this.lexer.state;
    const token = super.tag(source);
    Object.assign(this.lexer.state, { inLink, inRawBlock });
    return token;
  }

  #look(source, previous, make) {
    if (!MIGHT_OPEN.test(source) || (source[0] === '_' && WORD_BEFORE.test(previous))) {
      return make();
    }
    if (this.#left <= 0) {
      return undefined;
    }
    const token = this.#nested(make);
    this.#left -= token?.raw.length ?? source.length;
    return token;
  }

  #mayReadOn(source) {
    if (this.#left > 0 && !/\s/.test(source.slice(0, WORD))) {
      this.#left -= source.length;
    }
    return this.#left > 0;
  }

  #nested(make) {
    if (this.#depth === MAX_DEPTH) {
      return undefined;
    }
    this.#depth += 1;
    try {
      return make();
    } finally {
      this.#depth -= 1;
    }
  }
}

function withoutLongWord(source) {
  return LONG_WORD.test(source) ? source.slice(0, WORD) : source;
}
