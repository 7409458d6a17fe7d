/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Building and finding elements. Strings become text nodes, never markup: a string that a person or a model wrote can pass through
 * here unchecked. The only module that turns a string into markup is markdown.js.
 */

const PROPERTIES = new Set(['value', 'checked', 'disabled', 'hidden', 'selected', 'open', 'indeterminate', 'readOnly', 'textContent']);

/**
 * First element under root that matches selector, or null.
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {Element|null}
 */
export function $(selector, root = document) {
  return root.querySelector(selector);
}

/**
 * All elements under root that match selector, as an array.
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {Element[]}
 */
export function $$(selector, root = document) {
  return [...root.querySelectorAll(selector)];
}

/**
 * A new element.
 * @param {string} tag
 * @param {Object<string, *>|null} [props] `class` (string or array), `dataset` {…}, `aria` {label: …}, `on` {click: fn} or `onclick: fn`;
 *   a null, undefined or false attribute is left out, true is an empty attribute.
 * @param {...(Node|string|number|null|undefined|false|Array)} children strings become text nodes
 * @returns {HTMLElement}
 */
export function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    setProp(node, name, value);
  }
  append(node, children);
  return node;
}

/**
 * Replaces everything in node by children (strings become text nodes).
 * @param {Element|DocumentFragment} node
 * @param {...*} children
 * @returns {Element|DocumentFragment} node
 */
export function replaceChildren(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/**
 * Appends children to node: nodes as they are, arrays item by item, anything else as text; null, undefined and false are skipped.
 * @param {Node} node
 * @param {Array} children
 */
export function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) {
      continue;
    }
    if (Array.isArray(child)) {
      append(node, child);
    } else {
      node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  }
}

function setProp(node, name, value) {
  if (name === 'class') {
    node.className = Array.isArray(value) ? value.filter(Boolean).join(' ') : (value ?? '');
  } else if (name === 'dataset') {
    setDataset(node, value);
  } else if (name === 'aria') {
    for (const [key, text] of Object.entries(value ?? {})) {
      setAttribute(node, `aria-${key}`, text === true || text === false ? String(text) : text);
    }
  } else if (name === 'on') {
    for (const [type, listener] of Object.entries(value ?? {})) {
      node.addEventListener(type, listener);
    }
  } else if (name.startsWith('on')) {
    addListener(node, name, value);
  } else if (name === 'style' || name === 'srcdoc' || name === 'innerHTML' || name === 'outerHTML') {
    throw new TypeError(`el() does not take "${name}": use a class, or text children`);
  } else if (PROPERTIES.has(name)) {
    node[name] = value ?? (typeof node[name] === 'boolean' ? false : '');
  } else {
    setAttribute(node, name, value);
  }
}

function addListener(node, name, value) {
  if (value === null || value === undefined) {
    return;
  }
  if (typeof value !== 'function') {
    throw new TypeError(`el() takes a function for "${name}", got ${typeof value}`);
  }
  node.addEventListener(name.slice(2).toLowerCase(), value);
}

function setDataset(node, entries) {
  for (const [key, value] of Object.entries(entries ?? {})) {
    if (value !== null && value !== undefined) {
      node.dataset[key] = String(value);
    }
  }
}

function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) {
    return;
  }
  node.setAttribute(name, value === true ? '' : String(value));
}
