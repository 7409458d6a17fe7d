/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Every call the console makes, one function each: the operators' part of docs/api.md. */

import { api, apiUrl } from '../shared/api.js';

/** A list page or a search may take the server's full time limit for statements; a count over everything longer still. */
const LONG = 120000;

/** Who is logged in. @returns {Promise<Object>} */
export const getSession = () => api.get('api/session');
/** Log out. @returns {Promise<null>} */
export const logout = () => api.post('api/logout');
/** The figures of Home. @param {AbortSignal} signal @returns {Promise<Object>} */
export const getOverview = (signal) => api.get('api/overview', null, { signal });
/** A page of conversations. @param {Object} query the filter, `after` and `limit` @param {AbortSignal} signal @returns {Promise<Object>} */
export const listConversations = (query, signal) => api.get('api/conversations', query, { signal, timeout: LONG });
/** One conversation with its messages. @param {string} id @param {string} reason @param {AbortSignal} signal @returns {Promise<Object>} */
export const getConversation = (id, reason, signal) =>
  api.get(`api/conversations/${encodeURIComponent(id)}`, { reason }, { signal, timeout: LONG });
/** How many would be expired. @param {{ids: string[]}|{filter: Object}} target @param {AbortSignal} signal @returns {Promise<Object>} */
export const countExpiry = (target, signal) =>
  api.post('api/conversations/expire', { ...target, dry_run: true }, { signal, timeout: LONG });
/** Expire as many as were counted. @param {{ids: string[]}|{filter: Object}} target @param {number} conversations @returns {Promise<Object>} */
export const expire = (target, conversations) =>
  api.post('api/conversations/expire', { ...target, dry_run: false, confirm: { conversations } }, { timeout: LONG });
/** Back from the trash. @param {string[]} ids @returns {Promise<Object>} */
export const restore = (ids) => api.post('api/conversations/restore', { ids }, { timeout: LONG });
/** The address of an export. @param {Object} query the list's filter, or `ids` @returns {string} */
export const exportUrl = (query) => apiUrl('api/export', { format: 'ndjson', ...query });
/** A page of users. @param {Object} query `q`, `role`, `state`, `after` and `limit` @param {AbortSignal} signal @returns {Promise<Object>} */
export const listUsers = (query, signal) => api.get('api/users', query, { signal });
/** One user with the sessions. @param {string} name @param {AbortSignal} signal @returns {Promise<Object>} */
export const getUser = (name, signal) => api.get(userPath(name), null, { signal });
/** Make a user. @param {string} name @param {string} role @returns {Promise<{name: string, role: string, password: string}>} */
export const createUser = (name, role) => api.post('api/users', { name, role });
/** Another role or state. @param {string} name @param {{role?: string, disabled?: boolean}} change @returns {Promise<Object>} */
export const changeUser = (name, change) => api.patch(userPath(name), change);
/** A new password. @param {string} name @returns {Promise<{password: string}>} */
export const resetPassword = (name) => api.post(`${userPath(name)}/password`);
/** Take another's second factor away. @param {string} name @returns {Promise<null>} */
export const resetSecondFactor = (name) => api.post(`${userPath(name)}/second-factor/reset`);
/** End all sessions of a user. @param {string} name @returns {Promise<{sessions: number}>} */
export const endUserSessions = (name) => api.post(`${userPath(name)}/sessions/revoke`);
/** All sessions. @param {AbortSignal} signal @returns {Promise<Object>} */
export const listSessions = (signal) => api.get('api/sessions', null, { signal });
/** End sessions. @param {string[]} refs @returns {Promise<Object>} */
export const revokeSessions = (refs) => api.post('api/sessions/revoke', { refs });
/** A page of the audit log. @param {Object} query `after` and `limit` @param {AbortSignal} signal @returns {Promise<Object>} */
export const listAudit = (query, signal) => api.get('api/audit', query, { signal });

function userPath(name) {
  return `api/users/${encodeURIComponent(name)}`;
}
